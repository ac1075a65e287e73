import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { refusal } from '../region-under-test.ts'
import { cloudWatchUnderTest } from './cloudwatch-under-test.ts'

const region = cloudWatchUnderTest()
const TOPIC = 'arn:aws:sns:ap-southeast-1:000000000000:alarms'

const names = (alarms: { AlarmName?: string | undefined }[] = []) =>
  alarms.map(({ AlarmName }) => AlarmName)

beforeAll(async () => {
  await region.put('web-cpu', 50, region.minuteAgo(1))
  await region.putAlarm('web-cpu', { AlarmActions: [TOPIC], TreatMissingData: 'ignore' })
  await region.putAlarm('web-memory', { Statistic: 'Maximum' })
  await region.putAlarm('db-cpu', { MetricName: 'web-cpu', Period: 300, Threshold: 99 })
  await region.untilState('web-cpu', 'ALARM')
  await region.untilState('db-cpu', 'OK')
  await region.sdk().putCompositeAlarm({
    AlarmName: 'everything',
    AlarmRule: 'ALARM("web-cpu") OR (ALARM(web-memory) AND NOT OK(db-cpu))',
  })
})

describe('DescribeAlarms', () => {
  test.each([
    ['all metric alarms, by their names', {}, ['db-cpu', 'web-cpu', 'web-memory']],
    ['a prefix', { AlarmNamePrefix: 'web-' }, ['web-cpu', 'web-memory']],
    [
      'names, whether or not they are there',
      { AlarmNames: ['web-memory', 'absent'] },
      ['web-memory'],
    ],
    ['a state', { StateValue: 'ALARM' as const }, ['web-cpu']],
    ['an action', { ActionPrefix: TOPIC.slice(0, 20) }, ['web-cpu']],
    ['a prefix and a state', { AlarmNamePrefix: 'web', StateValue: 'OK' as const }, []],
  ])('by %s', async (_, input, expected) => {
    const { MetricAlarms, CompositeAlarms } = await region.sdk().describeAlarms(input)
    expect([names(MetricAlarms), CompositeAlarms]).toEqual([expected, []])
  })

  test('composite alarms are told when they are asked for', async () => {
    const AlarmTypes = ['CompositeAlarm' as const]
    const { MetricAlarms, CompositeAlarms } = await region.sdk().describeAlarms({ AlarmTypes })
    expect([MetricAlarms, names(CompositeAlarms)]).toEqual([[], ['everything']])
  })

  test('by kinship', async () => {
    const AlarmTypes = undefined
    const children = await region
      .sdk()
      .describeAlarms({ ChildrenOfAlarmName: 'everything', AlarmTypes })
    expect(names(children.MetricAlarms)).toEqual(['db-cpu', 'web-cpu', 'web-memory'])
    const parents = await region.sdk().describeAlarms({ ParentsOfAlarmName: 'db-cpu' })
    expect(parents.CompositeAlarms).toEqual([
      { AlarmName: 'everything', AlarmArn: expect.stringMatching(/:alarm:everything$/) },
    ])
  })

  test('page by page', async () => {
    const first = await region.sdk().describeAlarms({ MaxRecords: 2 })
    expect(names(first.MetricAlarms)).toEqual(['db-cpu', 'web-cpu'])
    const rest = await region.sdk().describeAlarms({ MaxRecords: 2, NextToken: first.NextToken })
    expect([names(rest.MetricAlarms), rest.NextToken]).toEqual([['web-memory'], undefined])
  })

  test.each([
    [
      'names and a prefix',
      { AlarmNames: ['a'], AlarmNamePrefix: 'a' },
      'InvalidParameterCombinationException',
    ],
    ['a state that is none', { StateValue: 'GREEN' as 'OK' }, 'ValidationException'],
    ['a type that is none', { AlarmTypes: ['Bell' as 'MetricAlarm'] }, 'ValidationException'],
    ['101 records', { MaxRecords: 101 }, 'InvalidParameterValueException'],
    ['a token that was not told', { NextToken: 'wrong' }, 'InvalidNextToken'],
    [
      'kinship and a prefix',
      { ParentsOfAlarmName: 'db-cpu', AlarmNamePrefix: 'a' },
      'ValidationException',
    ],
    ['the children of what is not there', { ChildrenOfAlarmName: 'absent' }, 'ResourceNotFound'],
  ])('refuses %s', async (_, input, code) => {
    expect(await refusal(region.sdk().describeAlarms(input))).toBe(code)
  })
})

test('DescribeAlarmsForMetric: on exactly that metric', async () => {
  const metric = { Namespace: 'Test', MetricName: 'web-cpu' }
  const all = await region.sdk().describeAlarmsForMetric(metric)
  expect(names(all.MetricAlarms)).toEqual(['db-cpu', 'web-cpu'])
  const long = await region.sdk().describeAlarmsForMetric({ ...metric, Period: 300 })
  expect(names(long.MetricAlarms)).toEqual(['db-cpu'])
  const maximum = await region.sdk().describeAlarmsForMetric({ ...metric, Statistic: 'Maximum' })
  expect(maximum.MetricAlarms).toEqual([])
  const Dimensions = [{ Name: 'Host', Value: '1' }]
  const other = await region.sdk().describeAlarmsForMetric({ ...metric, Dimensions })
  expect(other.MetricAlarms).toEqual([])
})

describe('DescribeAlarmHistory', () => {
  test('what was done to an alarm and what it did, newest first or oldest', async () => {
    const read = async (more: object) =>
      (await region.sdk().describeAlarmHistory({ AlarmName: 'web-cpu', ...more })).AlarmHistoryItems
    await until('all is told', 60_000, async () => (await read({}))?.length === 3)
    const items = (await read({}))!
    expect(
      items.map(({ HistoryItemType, HistorySummary }) => [HistoryItemType, HistorySummary]),
    ).toEqual([
      ['Action', `Failed to execute action ${TOPIC}. Received error: "Topic does not exist"`],
      ['StateUpdate', 'Alarm updated from INSUFFICIENT_DATA to ALARM'],
      ['ConfigurationUpdate', 'Alarm "web-cpu" created'],
    ])
    expect(await read({ ScanBy: 'TimestampAscending' })).toEqual([...items].reverse())
    const [, update, created] = items
    expect(JSON.parse(update!.HistoryData!)).toMatchObject({
      version: '1.0',
      oldState: {
        stateValue: 'INSUFFICIENT_DATA',
        stateReason: 'Unchecked: Initial alarm creation',
      },
      newState: { stateValue: 'ALARM', stateReasonData: { recentDatapoints: [50], threshold: 10 } },
    })
    expect(JSON.parse(created!.HistoryData!)).toMatchObject({
      type: 'Create',
      createdAlarm: { AlarmName: 'web-cpu', Threshold: 10 },
    })
    const updates = await read({ HistoryItemType: 'StateUpdate' })
    expect(updates).toEqual([update])
    const StartDate = update!.Timestamp
    expect(await read({ StartDate })).toEqual(items.slice(0, 2))
    expect(await read({ EndDate: new Date(StartDate!.getTime() - 1) })).toEqual([created])
  })

  test('page by page, of all metric alarms or of all composite ones', async () => {
    const found: string[] = []
    let NextToken: string | undefined
    do {
      const page = await region.sdk().describeAlarmHistory({ MaxRecords: 2, NextToken })
      found.push(
        ...page.AlarmHistoryItems!.map((item) => `${item.AlarmName} ${item.HistorySummary}`),
      )
      NextToken = page.NextToken
    } while (NextToken)
    expect(new Set(found).size).toBe(found.length)
    expect(found.filter((line) => line.endsWith('created'))).toHaveLength(3)
    const AlarmTypes = ['CompositeAlarm' as const]
    const { AlarmHistoryItems } = await region.sdk().describeAlarmHistory({ AlarmTypes })
    expect(AlarmHistoryItems?.every(({ AlarmName }) => AlarmName === 'everything')).toBe(true)
  })

  test('also of an alarm that was deleted', async () => {
    await region.putAlarm('short-lived')
    await region.sdk().deleteAlarms({ AlarmNames: ['short-lived'] })
    await region.restart()
    const { AlarmHistoryItems } = await region
      .sdk()
      .describeAlarmHistory({ AlarmName: 'short-lived' })
    expect(AlarmHistoryItems?.[0]?.HistorySummary).toBe('Alarm "short-lived" deleted')
  })
})

describe('DeleteAlarms', () => {
  test('deletes those that are there, and says which one is not', async () => {
    await region.putAlarm('doomed')
    const AlarmNames = ['doomed', 'absent']
    expect(await refusal(region.sdk().deleteAlarms({ AlarmNames }))).toBe('ResourceNotFound')
    const { MetricAlarms } = await region.sdk().describeAlarms({ AlarmNames })
    expect(MetricAlarms).toEqual([])
  })

  test('refuses the child of an alarm that stays', async () => {
    const AlarmNames = ['db-cpu']
    expect(await refusal(region.sdk().deleteAlarms({ AlarmNames }))).toBe('ValidationException')
    expect((await region.sdk().describeAlarms({ AlarmNames })).MetricAlarms).toHaveLength(1)
  })
})

test('tags are added, replaced and taken away', async () => {
  const { AlarmArn: ResourceARN } = await region.alarm('db-cpu')
  const tags = async () => (await region.sdk().listTagsForResource({ ResourceARN })).Tags
  await region.sdk().tagResource({
    ResourceARN,
    Tags: [
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ],
  })
  await region.sdk().tagResource({ ResourceARN, Tags: [{ Key: 'a', Value: '3' }] })
  await region.sdk().untagResource({ ResourceARN, TagKeys: ['b', 'absent'] })
  expect(await tags()).toEqual([{ Key: 'a', Value: '3' }])
  const reserved = region.sdk().tagResource({ ResourceARN, Tags: [{ Key: 'aws:a', Value: '' }] })
  expect(await refusal(reserved)).toBe('InvalidParameterValueException')
  expect(await tags()).toEqual([{ Key: 'a', Value: '3' }])
  const absent = { ResourceARN: `${ResourceARN}-absent` }
  expect(await refusal(region.sdk().listTagsForResource(absent))).toBe('ResourceNotFoundException')
})
