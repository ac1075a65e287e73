import { CloudWatchFault, type SetAlarmStateInput } from '../../protocol/models/cloudwatch.ts'
import type { StateValue } from '../alarms/evaluate.ts'
import { laterThan } from '../alarms/transitions.ts'
import { checkedAlarmName, getAlarm } from '../checks.ts'
import type { CloudWatch } from '../cloudwatch.ts'
import { missing, notValid } from '../faults.ts'

const STATES: readonly string[] = ['OK', 'ALARM', 'INSUFFICIENT_DATA']
const MAX_REASON = 1023
const MAX_REASON_DATA = 4000

/**
 * SetAlarmState: puts an alarm into a state, with the actions of that change, until its next evaluation.
 *
 * Source: CloudWatch API Reference, SetAlarmState.
 */
export async function setAlarmState(cloudWatch: CloudWatch, input: SetAlarmStateInput) {
  const { alarms, transitions } = cloudWatch
  const { name } = getAlarm(alarms, checkedAlarmName(input.AlarmName))
  const { StateValue: value, StateReason: reason, StateReasonData: reasonData } = input
  if (value === undefined || !STATES.includes(value)) {
    throw notValid(`StateValue is one of ${STATES.join(', ')}.`)
  }
  if (reason === undefined) throw missing('StateReason')
  if (reason.length > MAX_REASON)
    throw notValid(`StateReason has at most ${MAX_REASON} characters.`)
  if (reasonData !== undefined) checkReasonData(reasonData)
  const wanted = {
    value: value as StateValue,
    reason,
    ...(reasonData === undefined ? {} : { reasonData }),
  }
  await transitions.change(name, () => wanted)
  // The same state for another reason is no transition.
  await alarms.change(name, (alarm) => {
    if (alarm?.state.value !== value || alarm.state.reason === reason) return alarm
    const { transitionedAt } = alarm.state
    const updatedAt = laterThan(alarm.state.updatedAt, alarms.now())
    return { ...alarm, state: { ...wanted, updatedAt, transitionedAt } }
  })
  return {}
}

function checkReasonData(text: string): void {
  try {
    if (text.length <= MAX_REASON_DATA && typeof JSON.parse(text) === 'object') return
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new CloudWatchFault(
    'InvalidFormatFault',
    `StateReasonData is JSON of at most ${MAX_REASON_DATA} characters.`,
  )
}
