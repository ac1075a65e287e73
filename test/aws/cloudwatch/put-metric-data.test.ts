import { expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { cloudWatchUnderTest } from './cloudwatch-under-test.ts'

const region = cloudWatchUnderTest()
const STATISTICS = ['SampleCount', 'Sum', 'Minimum', 'Maximum', 'Average'] as const
const HOUR_MS = 3_600_000

async function statistics(MetricName: string, more: object = {}) {
  const { Datapoints = [] } = await region.sdk().getMetricStatistics({
    ...{ Namespace: 'Test', MetricName, Period: 60, Statistics: [...STATISTICS] },
    StartTime: region.minuteAgo(30),
    EndTime: region.minuteAgo(-1),
    ...more,
  })
  return Datapoints
}

test('values of a minute, in all their forms, add up', async () => {
  const Timestamp = region.minuteAgo(5)
  const base = { MetricName: 'forms', Timestamp, Unit: 'Count' as const }
  await region.sdk().putMetricData({
    Namespace: 'Test',
    MetricData: [
      { ...base, Value: 4 },
      { ...base, Values: [1, 7], Counts: [2, 1] },
      { ...base, StatisticValues: { SampleCount: 3, Sum: 30, Minimum: 9, Maximum: 12 } },
    ],
  })
  expect(await statistics('forms')).toEqual([
    { Timestamp, Unit: 'Count', SampleCount: 7, Sum: 43, Minimum: 1, Maximum: 12, Average: 43 / 7 },
  ])
})

test('dimensions make another metric of the same name, whatever their order', async () => {
  const [a, b] = [
    { Name: 'A', Value: '1' },
    { Name: 'B', Value: '2' },
  ]
  const put = (Value: number, Dimensions?: (typeof a)[]) =>
    region.sdk().putMetricData({
      Namespace: 'Test',
      MetricData: [{ MetricName: 'dimensions', Value, Dimensions }],
    })
  await put(1)
  await put(2, [a, b])
  await put(3, [b, a])
  const sums = async (Dimensions?: (typeof a)[]) =>
    (await statistics('dimensions', { Dimensions })).map(({ Sum }) => Sum)
  expect(await sums()).toEqual([1])
  expect(await sums([b, a])).toEqual([5])
  expect(await sums([a])).toEqual([])
})

test('units are kept apart, and each is told', async () => {
  const put = (Value: number, Unit: 'Bytes' | 'Kilobytes') =>
    region.sdk().putMetricData({
      Namespace: 'Test',
      MetricData: [{ MetricName: 'units', Value, Unit, Timestamp: region.minuteAgo(3) }],
    })
  await put(1, 'Bytes')
  await put(2, 'Kilobytes')
  const told = (await statistics('units')).map(({ Unit, Sum }) => [Unit, Sum])
  expect(told.sort()).toEqual([
    ['Bytes', 1],
    ['Kilobytes', 2],
  ])
  const one = await statistics('units', { Unit: 'Bytes' })
  expect(one.map(({ Sum }) => Sum)).toEqual([1])
  expect(await statistics('units', { Unit: 'Seconds' })).toEqual([])
})

test('by the second only when that was asked for', async () => {
  const start = region.minuteAgo(2)
  const at = (seconds: number) => new Date(start.getTime() + seconds * 1000)
  const put = (MetricName: string, seconds: number, StorageResolution?: number) =>
    region.sdk().putMetricData({
      Namespace: 'Test',
      MetricData: [{ MetricName, Value: seconds, Timestamp: at(seconds), StorageResolution }],
    })
  for (const seconds of [3, 8, 13]) {
    await put('fine', seconds, 1)
    await put('coarse', seconds)
  }
  const told = async (MetricName: string, Period: number) =>
    (await statistics(MetricName, { Period, StartTime: start, EndTime: at(60) })).map(
      ({ Timestamp, Sum }) => [(Timestamp!.getTime() - start.getTime()) / 1000, Sum],
    )
  expect(await told('fine', 10)).toEqual([
    [0, 11],
    [10, 13],
  ])
  expect(await told('fine', 60)).toEqual([[0, 24]])
  expect(await told('coarse', 10)).toEqual([])
  expect(await told('coarse', 60)).toEqual([[0, 24]])
})

test('percentiles, of values that were told one by one', async () => {
  const Values = Array.from({ length: 100 }, (_, i) => i + 1)
  const Timestamp = region.minuteAgo(4)
  await region.sdk().putMetricData({
    Namespace: 'Test',
    MetricData: [
      { MetricName: 'latency', Values, Timestamp },
      {
        MetricName: 'summed',
        StatisticValues: { SampleCount: 2, Sum: 3, Minimum: 1, Maximum: 2 },
        Timestamp,
      },
      { MetricName: 'negative', Values: [-1, 1], Timestamp },
    ],
  })
  const ExtendedStatistics = ['p0', 'p50', 'p99', 'p99.5', 'p100']
  const told = async (MetricName: string) =>
    (await statistics(MetricName, { Statistics: undefined, ExtendedStatistics }))[0]
      ?.ExtendedStatistics
  expect(await told('latency')).toEqual({ p0: 1, p50: 50, p99: 99, 'p99.5': 100, p100: 100 })
  expect(await told('summed')).toEqual({})
  expect(await told('negative')).toEqual({})
})

test('what is large is compressed by the client, and counts', async () => {
  const MetricData = Array.from({ length: 500 }, (_, i) => ({
    ...{ MetricName: 'compressed', Value: i },
    Dimensions: [{ Name: 'Number', Value: `${i}` }],
  }))
  await region.sdk().putMetricData({ Namespace: 'Test', MetricData })
  const Dimensions = [{ Name: 'Number', Value: '499' }]
  expect((await statistics('compressed', { Dimensions })).map(({ Sum }) => Sum)).toEqual([499])
})

test('is there after a restart', async () => {
  const Timestamp = region.minuteAgo(1)
  await region.put('kept', 5, Timestamp)
  await region.put('kept', 7, Timestamp)
  await region.restart()
  await region.put('kept', 1, Timestamp)
  expect(await statistics('kept')).toMatchObject([{ SampleCount: 3, Sum: 13, Minimum: 1 }])
})

const at = (ms: number) => new Date(region.clock.now().getTime() + ms)

test('two weeks back and two hours ahead', async () => {
  const old = at(-14 * 24 * HOUR_MS + 60_000)
  await region.put('reach', 1, old)
  await region.put('reach', 2, at(2 * HOUR_MS - 60_000))
  const Datapoints = await statistics('reach', {
    ...{ StartTime: new Date(old.getTime() - HOUR_MS), EndTime: at(3 * HOUR_MS), Period: 3600 },
  })
  expect(Datapoints.map(({ Sum }) => Sum)).toEqual([1, 2])
  for (const Timestamp of [at(-14 * 24 * HOUR_MS - 60_000), at(2 * HOUR_MS + 60_000)]) {
    expect(await refusal(region.put('beyond', 1, Timestamp))).toBe('InvalidParameterValueException')
  }
  expect(await statistics('beyond')).toEqual([])
})

const INVALID = 'InvalidParameterValueException'
const datum = { MetricName: 'refused', Value: 1 }
test.each([
  ['a namespace of AWS', 'AWS/RDS', [datum], INVALID],
  ['a namespace that begins with a colon', ':x', [datum], INVALID],
  ['no data', 'Test', [], 'MissingRequiredParameterException'],
  ['no value', 'Test', [{ MetricName: 'refused' }], 'MissingRequiredParameterException'],
  [
    'two forms at once',
    'Test',
    [{ ...datum, Values: [1] }],
    'InvalidParameterCombinationException',
  ],
  [
    'counts without values',
    'Test',
    [{ ...datum, Counts: [1] }],
    'InvalidParameterCombinationException',
  ],
  [
    'fewer counts than values',
    'Test',
    [{ MetricName: 'refused', Values: [1, 2], Counts: [1] }],
    INVALID,
  ],
  ['a count of nothing', 'Test', [{ MetricName: 'refused', Values: [1], Counts: [0] }], INVALID],
  ['a value that is too large', 'Test', [{ ...datum, Value: 2 ** 361 }], INVALID],
  [
    'a minimum above the maximum',
    'Test',
    [
      {
        MetricName: 'refused',
        StatisticValues: { SampleCount: 1, Sum: 1, Minimum: 2, Maximum: 1 },
      },
    ],
    INVALID,
  ],
  ['a resolution of five seconds', 'Test', [{ ...datum, StorageResolution: 5 }], INVALID],
  ['a unit that is none', 'Test', [{ ...datum, Unit: 'Parsecs' as 'Count' }], INVALID],
  [
    'a dimension twice',
    'Test',
    [
      {
        ...datum,
        Dimensions: [
          { Name: 'A', Value: '1' },
          { Name: 'A', Value: '2' },
        ],
      },
    ],
    INVALID,
  ],
  [
    'a dimension without a value',
    'Test',
    [{ ...datum, Dimensions: [{ Name: 'A', Value: ' ' }] }],
    INVALID,
  ],
  [
    '31 dimensions',
    'Test',
    [
      {
        ...datum,
        Dimensions: Array.from({ length: 31 }, (_, i) => ({ Name: `D${i}`, Value: '1' })),
      },
    ],
    INVALID,
  ],
  ['one bad value among good ones', 'Test', [datum, { ...datum, Value: 2 ** 361 }], INVALID],
])('refuses %s, and nothing of it counts', async (_, Namespace, MetricData, code) => {
  expect(await refusal(region.sdk().putMetricData({ Namespace, MetricData }))).toBe(code)
  expect(await statistics('refused')).toEqual([])
  const { Metrics } = await region.sdk().listMetrics({ MetricName: 'refused' })
  expect(Metrics).toEqual([])
})
