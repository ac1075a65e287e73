import { expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { refusal } from '../region-under-test.ts'
import { cloudWatchUnderTest } from './cloudwatch-under-test.ts'

const region = cloudWatchUnderTest()

async function summaries(AlarmName: string, AlarmTypes?: ['CompositeAlarm']) {
  const { AlarmHistoryItems = [] } = await region.sdk().describeAlarmHistory({
    ...{ AlarmName, AlarmTypes, HistoryItemType: 'StateUpdate' },
    ScanBy: 'TimestampAscending',
  })
  return AlarmHistoryItems.map(({ HistorySummary }) =>
    HistorySummary?.slice('Alarm updated '.length),
  )
}

/** A state is told a moment before the history tells of it. */
async function untilSummaries(
  AlarmName: string,
  expected: readonly string[],
  AlarmTypes?: ['CompositeAlarm'],
) {
  await until(`all of '${AlarmName}' is told`, 60_000, async () => {
    return (await summaries(AlarmName, AlarmTypes)).length >= expected.length
  })
  expect(await summaries(AlarmName, AlarmTypes)).toEqual(expected)
}

const set = (AlarmName: string, StateValue: 'OK' | 'ALARM', more: object = {}) =>
  region.sdk().setAlarmState({ AlarmName, StateValue, StateReason: 'a drill', ...more })

test('a state lasts until the next evaluation', async () => {
  region.beginMinute()
  await region.putAlarm('drill', { TreatMissingData: 'notBreaching' })
  await region.untilState('drill', 'OK')
  await set('drill', 'ALARM', { StateReasonData: '{"drill":true}' })
  expect(await region.alarm('drill')).toMatchObject({
    StateValue: 'ALARM',
    StateReason: 'a drill',
    StateReasonData: '{"drill":true}',
  })
  region.clock.forward(60_000)
  await region.untilState('drill', 'OK')
  await untilSummaries('drill', [
    'from INSUFFICIENT_DATA to OK',
    'from OK to ALARM',
    'from ALARM to OK',
  ])
})

test('the same state for another reason is no transition', async () => {
  await region.putAlarm('same', { TreatMissingData: 'ignore' })
  await set('same', 'ALARM')
  const before = await region.alarm('same')
  await set('same', 'ALARM', { StateReason: 'another' })
  const after = await region.alarm('same')
  expect([after.StateReason, after.StateTransitionedTimestamp]).toEqual([
    'another',
    before.StateTransitionedTimestamp,
  ])
  expect(await summaries('same')).toEqual(['from INSUFFICIENT_DATA to ALARM'])
})

test.each([
  ['an alarm that is not there', { AlarmName: 'absent' }, 'ResourceNotFound'],
  ['a state that is none', { StateValue: 'GREEN' }, 'ValidationException'],
  ['data that is no JSON', { StateReasonData: '{' }, 'InvalidFormatFault'],
])('refuses %s', async (_, more, code) => {
  await region.putAlarm('unset', { TreatMissingData: 'ignore' })
  expect(await refusal(set('unset', 'ALARM', more))).toBe(code)
  expect((await region.alarm('unset')).StateValue).toBe('INSUFFICIENT_DATA')
})

test('a composite alarm follows its children, and theirs', async () => {
  for (const name of ['child-a', 'child-b']) {
    await region.putAlarm(name, { TreatMissingData: 'ignore' })
    await set(name, 'OK')
  }
  const put = (AlarmName: string, AlarmRule: string) =>
    region.sdk().putCompositeAlarm({ AlarmName, AlarmRule })
  const state = async (name: string) => {
    const input = { AlarmNames: [name], AlarmTypes: ['CompositeAlarm' as const] }
    return (await region.sdk().describeAlarms(input)).CompositeAlarms![0]!
  }
  const untilState = (name: string, value: string) =>
    until(`'${name}' is in ${value}`, 60_000, async () => (await state(name)).StateValue === value)
  await put('both', 'ALARM("child-a") AND ALARM(child-b)')
  await put('above', 'ALARM(both) OR FALSE')
  await untilState('above', 'OK')
  await untilState('both', 'OK')
  expect((await state('both')).StateReason).toMatch(
    /:alarm:both was created and its alarm rule evaluates to OK$/,
  )

  await set('child-a', 'ALARM')
  await set('child-b', 'ALARM')
  await untilState('above', 'ALARM')
  const { StateReason, StateReasonData } = await state('both')
  expect(StateReason).toMatch(
    /:alarm:child-b transitioned to ALARM at \w+ \d\d \w+, \d{4} \d\d:\d\d:\d\d UTC$/,
  )
  const { triggeringAlarms } = JSON.parse(StateReasonData!)
  expect(triggeringAlarms.map((one: { state: { value: string } }) => one.state.value)).toEqual([
    'ALARM',
    'ALARM',
  ])
  await set('child-a', 'OK')
  await untilState('above', 'OK')
  const BOTH = ['from INSUFFICIENT_DATA to OK', 'from OK to ALARM', 'from ALARM to OK']
  await untilSummaries('both', BOTH, ['CompositeAlarm'])

  const refused = async (name: string, rule: string) => {
    const before = await region.sdk().describeAlarms({ AlarmTypes: ['CompositeAlarm'] })
    expect(await refusal(put(name, rule))).toBe('ValidationException')
    const after = await region.sdk().describeAlarms({ AlarmTypes: ['CompositeAlarm'] })
    expect(after.CompositeAlarms).toEqual(before.CompositeAlarms)
  }
  await refused('both', 'ALARM(above)')
  await refused('new', 'ALARM(absent)')
  await refused('new', 'ALARM(child-a')
  await refused('new', 'ALARM(child-a) AND')
  await refused('child-a', 'TRUE')
  const suppressed = { AlarmName: 'new', AlarmRule: 'TRUE', ActionsSuppressor: 'child-a' }
  expect(await refusal(region.sdk().putCompositeAlarm(suppressed))).toBe('UnsupportedOperation')
})
