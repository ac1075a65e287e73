import type { DeleteAlarmsInput } from '../../protocol/models/cloudwatch.ts'
import { configurationShape } from '../alarms/configure.ts'
import { laterThan } from '../alarms/transitions.ts'
import { getAlarm } from '../checks.ts'
import type { CloudWatch } from '../cloudwatch.ts'
import { notValid } from '../faults.ts'
import { childrenOf } from './describe-alarms.ts'

const MAX_NAMES = 100

/**
 * DeleteAlarms: those that are there, also when another one is not. None when one of them is a child of an alarm that stays.
 *
 * Source: CloudWatch API Reference, DeleteAlarms.
 */
export async function deleteAlarms({ alarms, history }: CloudWatch, input: DeleteAlarmsInput) {
  const names = new Set(input.AlarmNames ?? [])
  if (names.size > MAX_NAMES) throw notValid(`AlarmNames has at most ${MAX_NAMES} members.`)
  const kinds = [...names].map((name) => alarms.find(name)?.kind)
  if (kinds.filter((kind) => kind === 'CompositeAlarm').length > 1) {
    throw notValid('At most one composite alarm is deleted by one request.')
  }
  for (const parent of alarms.list().filter(({ name }) => !names.has(name))) {
    const child = childrenOf(parent).find((named) => names.has(alarms.find(named)?.name ?? ''))
    if (child !== undefined) {
      throw notValid(`The alarm '${child}' is named in the rule of '${parent.name}'.`)
    }
  }
  const absent = [...names].find((name) => !alarms.find(name))
  for (const name of names) {
    const { before } = await alarms.change(name, () => undefined)
    if (!before) continue
    await history.record({
      alarm: name,
      alarmKind: before.kind,
      at: laterThan(before.configuredAt, alarms.now()),
      kind: 'ConfigurationUpdate',
      number: 1,
      summary: `Alarm "${name}" deleted`,
      data: JSON.stringify({
        version: '1.0',
        type: 'Delete',
        deletedAlarm: configurationShape(before),
      }),
    })
  }
  if (absent !== undefined) getAlarm(alarms, absent)
  return {}
}
