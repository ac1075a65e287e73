import type { Alarms } from '../alarms/alarms.ts'
import { notValid } from '../faults.ts'

const MAX_NAMES = 100

/**
 * EnableAlarmActions and DisableAlarmActions: whether changes of state have actions. A name that is not there is no error.
 *
 * Source: CloudWatch API Reference, DisableAlarmActions.
 */
export async function setActionsEnabled(
  alarms: Alarms,
  names: readonly string[] | undefined,
  actionsEnabled: boolean,
) {
  if ((names?.length ?? 0) > MAX_NAMES)
    throw notValid(`AlarmNames has at most ${MAX_NAMES} members.`)
  for (const name of new Set(names)) {
    await alarms.change(name, (alarm) =>
      alarm && alarm.actionsEnabled !== actionsEnabled ? { ...alarm, actionsEnabled } : alarm,
    )
  }
  return {}
}
