import { beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { cloudWatchUnderTest } from './cloudwatch-under-test.ts'

const region = cloudWatchUnderTest()
const INVALID = 'InvalidParameterValueException'

let start: Date
beforeAll(async () => {
  start = region.minuteAgo(10)
  for (let minute = 0; minute < 4; minute++) {
    await region.put('steps', minute, new Date(start.getTime() + minute * 60_000))
  }
})

const range = () => ({ StartTime: start, EndTime: region.minuteAgo(0) })
const metric = (more: object = {}) => ({
  Id: 'm',
  MetricStat: {
    ...{ Metric: { Namespace: 'Test', MetricName: 'steps' }, Period: 60, Stat: 'Sum' },
    ...more,
  },
})

describe('GetMetricData', () => {
  const read = async (queries: object[], more: object = {}) =>
    await region.sdk().getMetricData({ MetricDataQueries: queries as never, ...range(), ...more })

  test('newest first unless it is asked otherwise', async () => {
    const down = await read([metric()])
    expect(down.MetricDataResults).toMatchObject([
      { Id: 'm', Label: 'steps', Values: [3, 2, 1, 0], StatusCode: 'Complete' },
    ])
    const up = await read([metric()], { ScanBy: 'TimestampAscending' })
    expect(up.MetricDataResults?.[0]?.Timestamps?.[0]).toEqual(start)
    expect(up.MetricDataResults?.[0]?.Values).toEqual([0, 1, 2, 3])
  })

  test('many at once, by longer periods, as far as they are to be returned', async () => {
    const queries = [
      { ...metric({ Period: 120 }), Id: 'a', Label: 'by two minutes' },
      { ...metric({ Stat: 'p100' }), Id: 'b', ReturnData: false },
      { ...metric({ Metric: { Namespace: 'Test', MetricName: 'absent' } }), Id: 'c' },
    ]
    const { MetricDataResults } = await read(queries, { ScanBy: 'TimestampAscending' })
    expect(MetricDataResults?.map(({ Id, Label, Values }) => [Id, Label, Values])).toEqual([
      ['a', 'by two minutes', [1, 5]],
      ['c', 'absent', []],
    ])
  })

  test.each([
    ['metric math', [{ Id: 'e', Expression: 'm * 2' }], {}, 'UnsupportedOperation'],
    ['an id twice', [metric(), metric()], {}, INVALID],
    ['an id in capitals', [{ ...metric(), Id: 'M' }], {}, INVALID],
    ['no query', [], {}, 'MissingRequiredParameterException'],
    ['a statistic that is none', [metric({ Stat: 'Mode' })], {}, INVALID],
    ['a trimmed mean', [metric({ Stat: 'tm90' })], {}, INVALID],
    ['a period of 45 seconds', [metric({ Period: 45 })], {}, INVALID],
    ['a token that was not told', [metric()], { NextToken: 'x' }, INVALID],
    ['more than was asked for', [metric()], { MaxDatapoints: 3 }, INVALID],
  ])('refuses %s', async (_, queries, more, code) => {
    expect(await refusal(read(queries, more))).toBe(code)
  })
})

describe('GetMetricStatistics', () => {
  const read = async (more: object = {}) =>
    await region.sdk().getMetricStatistics({
      ...{ Namespace: 'Test', MetricName: 'steps', Period: 60, Statistics: ['Sum'] },
      ...range(),
      ...more,
    })

  test('the first period begins where it is asked for, down to the minute', async () => {
    const StartTime = new Date(start.getTime() + 60_000 + 34_567)
    const { Label, Datapoints } = await read({ StartTime, Period: 120 })
    expect(Label).toBe('steps')
    expect(
      Datapoints?.map(({ Timestamp, Sum }) => [Timestamp!.getTime() - start.getTime(), Sum]),
    ).toEqual([
      [60_000, 3],
      [180_000, 3],
    ])
  })

  test.each([
    ['neither statistics nor percentiles', { Statistics: [] }, 'MissingRequiredParameterException'],
    ['both', { ExtendedStatistics: ['p99'] }, 'InvalidParameterCombinationException'],
    ['a percentile among statistics', { Statistics: ['p99'] }, INVALID],
    ['an end before the start', { EndTime: new Date(0) }, INVALID],
    ['more than 1,440 periods', { StartTime: new Date(0) }, 'InvalidParameterCombinationException'],
    ['no period', { Period: 0 }, INVALID],
  ])('refuses %s', async (_, more, code) => {
    expect(await refusal(read(more))).toBe(code)
  })
})

describe('ListMetrics', () => {
  test('by namespace, name and dimensions; each metric once; page by page', async () => {
    const numbers = Array.from({ length: 501 }, (_, i) => String(i).padStart(3, '0'))
    for (const some of [numbers.slice(0, 300), numbers.slice(300)]) {
      await region.sdk().putMetricData({
        Namespace: 'Many',
        MetricData: some.map((Value) => ({
          ...{ MetricName: 'm', Value: 1, Unit: 'Count' as const },
          Dimensions: [
            { Name: 'Number', Value },
            { Name: 'Half', Value: Value < '250' ? 'first' : 'second' },
          ],
        })),
      })
    }
    const first = await region.sdk().listMetrics({ Namespace: 'Many' })
    expect(first.Metrics).toHaveLength(500)
    const second = await region.sdk().listMetrics({ Namespace: 'Many', NextToken: first.NextToken })
    expect([second.Metrics?.length, second.NextToken]).toEqual([1, undefined])
    const half = await region.sdk().listMetrics({ Dimensions: [{ Name: 'Half', Value: 'first' }] })
    expect(half.Metrics).toHaveLength(250)
    const any = await region.sdk().listMetrics({ Dimensions: [{ Name: 'Number' }] })
    expect(any.Metrics).toHaveLength(500)
    expect(await refusal(region.sdk().listMetrics({ NextToken: 'wrong' }))).toBe('InvalidNextToken')
  })

  test('recently active means three hours', async () => {
    await region.put('asleep', 1, new Date(region.clock.now().getTime() - 4 * 3_600_000))
    const all = await region.sdk().listMetrics({ MetricName: 'asleep' })
    expect(all.Metrics).toHaveLength(1)
    const active = await region.sdk().listMetrics({ MetricName: 'asleep', RecentlyActive: 'PT3H' })
    expect(active.Metrics).toEqual([])
  })
})
