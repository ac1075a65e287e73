import { expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { cloudWatchUnderTest } from './cloudwatch-under-test.ts'

const region = cloudWatchUnderTest()
const TOPIC = 'arn:aws:sns:ap-southeast-1:000000000000:alarms'

test('begins without data, and tells its configuration as it was given', async () => {
  await region.putAlarm('configured', {
    AlarmDescription: 'a description',
    Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'shop-db' }],
    EvaluationPeriods: 3,
    DatapointsToAlarm: 2,
    Unit: 'Seconds',
    TreatMissingData: 'ignore',
    ActionsEnabled: false,
    OKActions: [TOPIC],
    AlarmActions: [TOPIC],
    Tags: [{ Key: 'a', Value: '1' }],
  })
  expect(await region.alarm('configured')).toMatchObject({
    AlarmArn: 'arn:aws:cloudwatch:ap-southeast-1:000000000000:alarm:configured',
    AlarmDescription: 'a description',
    ActionsEnabled: false,
    OKActions: [TOPIC],
    AlarmActions: [TOPIC],
    InsufficientDataActions: [],
    StateValue: 'INSUFFICIENT_DATA',
    StateReason: 'Unchecked: Initial alarm creation',
    Namespace: 'Test',
    MetricName: 'configured',
    Statistic: 'Average',
    Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'shop-db' }],
    Period: 60,
    Unit: 'Seconds',
    EvaluationPeriods: 3,
    DatapointsToAlarm: 2,
    Threshold: 10,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'ignore',
  })
})

test('goes to ALARM and back to OK by its data, and says why in the words of AWS', async () => {
  const at = region.minuteAgo(1)
  await region.put('crossing', 12.5, at)
  await region.putAlarm('crossing')
  const alarm = await region.untilState('crossing', 'ALARM')
  const time = `${at.toISOString().slice(8, 10)}/${at.toISOString().slice(5, 7)}/${at.toISOString().slice(2, 4)} ${at.toISOString().slice(11, 19)}`
  expect(alarm.StateReason).toBe(
    `Threshold Crossed: 1 datapoint [12.5 (${time})] was greater than the threshold (10.0).`,
  )
  expect(JSON.parse(alarm.StateReasonData!)).toMatchObject({
    version: '1.0',
    startDate: at.toISOString().replace('Z', '+0000'),
    statistic: 'Average',
    period: 60,
    recentDatapoints: [12.5],
    threshold: 10,
    evaluatedDatapoints: [{ value: 12.5, sampleCount: 1 }],
  })
  region.clock.forward(60_000)
  await region.put('crossing', 1, region.minuteAgo(1))
  const calm = await region.untilState('crossing', 'OK')
  expect(calm.StateReason).toMatch(
    /^Threshold Crossed: 1 datapoint \[1\.0 \(.+\)\] was not greater than the threshold \(10\.0\)\.$/,
  )
  expect(calm.StateUpdatedTimestamp!.getTime()).toBeGreaterThan(
    alarm.StateUpdatedTimestamp!.getTime(),
  )
})

test.each([
  ['GreaterThanOrEqualToThreshold', 'ALARM', 'was greater than or equal to'],
  ['GreaterThanThreshold', 'OK', 'was not greater than'],
  ['LessThanThreshold', 'OK', 'was not less than'],
  ['LessThanOrEqualToThreshold', 'ALARM', 'was less than or equal to'],
] as const)('at the threshold, %s means %s', async (ComparisonOperator, state, words) => {
  await region.put(ComparisonOperator, 10, region.minuteAgo(1))
  await region.putAlarm(ComparisonOperator, { ComparisonOperator })
  const { StateReason } = await region.untilState(ComparisonOperator, state)
  expect(StateReason).toContain(`${words} the threshold (10.0).`)
})

test.each([
  [
    'breaching',
    'ALARM',
    'no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].',
  ],
  [
    'notBreaching',
    'OK',
    'no datapoints were received for 2 periods and 2 missing datapoints were treated as [NonBreaching].',
  ],
])('no data at all, treated as %s, means %s', async (TreatMissingData, state, words) => {
  await region.putAlarm(`silent-${TreatMissingData}`, { TreatMissingData, EvaluationPeriods: 2 })
  const { StateReason } = await region.untilState(`silent-${TreatMissingData}`, state)
  expect(StateReason).toBe(`Threshold Crossed: ${words}`)
})

test('data that ends leads to INSUFFICIENT_DATA, or to the state before where it is ignored', async () => {
  for (const [name, TreatMissingData] of [
    ['ended', 'missing'],
    ['ignored', 'ignore'],
  ] as const) {
    await region.put(name, 12, region.minuteAgo(1))
    await region.putAlarm(name, { TreatMissingData })
    await region.untilState(name, 'ALARM')
  }
  // Out of the evaluation range.
  region.clock.forward(4 * 60_000)
  const { StateReason } = await region.untilState('ended', 'INSUFFICIENT_DATA')
  expect(StateReason).toBe('Insufficient Data: 1 datapoint was unknown.')
  expect((await region.alarm('ignored')).StateValue).toBe('ALARM')
})

test('two of three suffice when that is what it takes', async () => {
  for (const [minutes, value] of [
    [3, 20],
    [2, 5],
    [1, 30],
  ] as const) {
    await region.put('m-of-n', value, region.minuteAgo(minutes))
  }
  await region.putAlarm('m-of-n', { EvaluationPeriods: 3, DatapointsToAlarm: 2 })
  const { StateReason } = await region.untilState('m-of-n', 'ALARM')
  expect(StateReason).toMatch(
    /^Threshold Crossed: 2 out of the last 3 datapoints \[30\.0 \(.+\), 20\.0 \(.+\)\] were greater than the threshold \(10\.0\) \(minimum 2 datapoints for OK -> ALARM transition\)\.$/,
  )
})

test('a short period is evaluated every ten seconds', async () => {
  const Timestamp = new Date(Math.floor(region.clock.now().getTime() / 10_000) * 10_000 - 5000)
  const MetricData = [{ MetricName: 'fast', Value: 99, StorageResolution: 1, Timestamp }]
  await region.sdk().putMetricData({ Namespace: 'Test', MetricData })
  await region.putAlarm('fast', { Period: 10, Statistic: 'Maximum' })
  await region.untilState('fast', 'ALARM')
  region.clock.forward(10_000)
  const at = new Date(Math.floor(region.clock.now().getTime() / 10_000) * 10_000 - 5000)
  const more = [{ MetricName: 'fast', Value: 1, StorageResolution: 1, Timestamp: at }]
  await region.sdk().putMetricData({ Namespace: 'Test', MetricData: more })
  await region.untilState('fast', 'OK')
})

test('a percentile of few samples can be left undecided', async () => {
  const p99 = { Statistic: undefined, ExtendedStatistic: 'p99' }
  for (const [name, low] of [
    ['evaluated', 'evaluate'],
    ['undecided', 'ignore'],
  ] as const) {
    await region.put(name, 12, region.minuteAgo(1))
    await region.putAlarm(name, { ...p99, EvaluateLowSampleCountPercentile: low })
  }
  await region.untilState('evaluated', 'ALARM')
  expect(await region.alarm('undecided')).toMatchObject({
    StateValue: 'INSUFFICIENT_DATA',
    ExtendedStatistic: 'p99',
    EvaluateLowSampleCountPercentile: 'ignore',
  })
})

test('another configuration replaces all but the state and the tags, and is evaluated', async () => {
  await region.put('changed', 12, region.minuteAgo(1))
  await region.putAlarm('changed', {
    AlarmDescription: 'before',
    Tags: [{ Key: 'a', Value: '1' }],
    TreatMissingData: 'ignore',
  })
  const before = await region.untilState('changed', 'ALARM')
  await region.putAlarm('changed', { Threshold: 20, Tags: [{ Key: 'b', Value: '2' }] })
  const after = await region.untilState('changed', 'OK')
  expect([after.AlarmDescription, after.TreatMissingData, after.Threshold]).toEqual([
    undefined,
    undefined,
    20,
  ])
  expect(after.AlarmConfigurationUpdatedTimestamp!.getTime()).toBeGreaterThan(
    before.AlarmConfigurationUpdatedTimestamp!.getTime(),
  )
  const { Tags } = await region.sdk().listTagsForResource({ ResourceARN: after.AlarmArn })
  expect(Tags).toEqual([{ Key: 'a', Value: '1' }])
})

test('is there after a restart, and is evaluated', async () => {
  await region.put('restarted', 12, region.minuteAgo(1))
  await region.putAlarm('restarted')
  const before = await region.untilState('restarted', 'ALARM')
  await region.restart()
  expect(await region.alarm('restarted')).toEqual(before)
  region.clock.forward(60_000)
  await region.put('restarted', 1, region.minuteAgo(1))
  await region.untilState('restarted', 'OK')
})

const INVALID = 'ValidationException'
const math = [{ Id: 'e', Expression: 'm / 2' }]
test.each([
  ['no name', { AlarmName: '' }, INVALID],
  ['a name with a control character', { AlarmName: 'a\u0007b' }, INVALID],
  ['no metric', { MetricName: undefined }, 'MissingRequiredParameterException'],
  ['no statistic', { Statistic: undefined }, 'MissingRequiredParameterException'],
  ['two statistics', { ExtendedStatistic: 'p90' }, 'InvalidParameterCombinationException'],
  ['no threshold', { Threshold: undefined }, 'MissingRequiredParameterException'],
  ['a period of 45 seconds', { Period: 45 }, INVALID],
  ['no evaluation', { EvaluationPeriods: 0 }, INVALID],
  ['more datapoints than periods', { DatapointsToAlarm: 2 }, INVALID],
  ['more than a day', { EvaluationPeriods: 1441 }, INVALID],
  ['more than seven days', { Period: 86_400, EvaluationPeriods: 8 }, INVALID],
  ['a treatment that is none', { TreatMissingData: 'forget' }, INVALID],
  ['a comparison that is none', { ComparisonOperator: 'Equal' as 'LessThanThreshold' }, INVALID],
  [
    'few samples of an average',
    { EvaluateLowSampleCountPercentile: 'ignore' },
    'InvalidParameterCombinationException',
  ],
  ['metric math', { MetricName: undefined, Metrics: math }, 'UnsupportedOperation'],
  ['anomaly detection', { ThresholdMetricId: 'ad1' }, 'UnsupportedOperation'],
  [
    'a band',
    { ComparisonOperator: 'LessThanLowerOrGreaterThanUpperThreshold' as const },
    'UnsupportedOperation',
  ],
  [
    'an action on a machine',
    { AlarmActions: ['arn:aws:automate:ap-southeast-1:ec2:stop'] },
    'UnsupportedOperation',
  ],
  [
    'a function',
    { AlarmActions: ['arn:aws:lambda:ap-southeast-1:000000000000:function:f'] },
    'UnsupportedOperation',
  ],
  [
    'a topic of another region',
    { AlarmActions: ['arn:aws:sns:eu-west-1:000000000000:t'] },
    INVALID,
  ],
  [
    'six actions',
    { AlarmActions: ['1', '2', '3', '4', '5', '6'].map((n) => `${TOPIC}${n}`) },
    INVALID,
  ],
  ['what is no ARN', { OKActions: ['alarms'] }, INVALID],
])('refuses %s, and makes no alarm', async (_, more, code) => {
  expect(await refusal(region.putAlarm('refused', more))).toBe(code)
  const { MetricAlarms } = await region.sdk().describeAlarms({ AlarmNamePrefix: 'refused' })
  expect(MetricAlarms).toEqual([])
})
