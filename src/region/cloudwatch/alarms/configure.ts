import { notValid } from '../faults.ts'
import { type Alarm, type AlarmState, initialState } from './alarm.ts'
import { compositeAlarmShape, metricAlarmShape } from './alarm-shape.ts'
import type { Alarms } from './alarms.ts'
import type { AlarmHistory } from './history.ts'
import { laterThan } from './transitions.ts'

/** What a request says of an alarm: all but what the alarm itself has become. */
export type Configuration<Kind extends Alarm> = Omit<
  Kind,
  'arn' | 'configuredAt' | 'state' | 'pending'
>

/**
 * Stores a new alarm, or gives one another configuration as a whole. Its state stays, and so do its tags.
 *
 * @throws CloudWatchFault `ValidationException` when an alarm of another kind has the name
 */
export async function configure<Kind extends Alarm>(
  { alarms, history }: { alarms: Alarms; history: AlarmHistory },
  wanted: Configuration<Kind>,
): Promise<void> {
  const { name, kind } = wanted
  const { before, after } = await alarms.change(name, (existing) => {
    if (existing && existing.kind !== kind) {
      throw notValid(`The name '${name}' belongs to an alarm of another type.`)
    }
    const now = alarms.now()
    const state: AlarmState = existing?.state ?? initialState(now)
    const configuredAt = existing
      ? laterThan({ ...state, updatedAt: existing.configuredAt }, now)
      : now.toISOString()
    const alarm = {
      ...wanted,
      arn: alarms.arn(name),
      tags: existing?.tags ?? wanted.tags,
      configuredAt,
      state,
      ...(existing?.pending ? { pending: existing.pending } : {}),
    }
    return alarm as unknown as Kind
  })
  await history.record({
    alarm: name,
    alarmKind: after.kind,
    at: after.configuredAt,
    kind: 'ConfigurationUpdate',
    number: 0,
    summary: `Alarm "${name}" ${before ? 'updated' : 'created'}`,
    data: JSON.stringify({
      version: '1.0',
      type: before ? 'Update' : 'Create',
      [before ? 'updatedAlarm' : 'createdAlarm']: configurationShape(after),
    }),
  })
}

export function configurationShape(alarm: Alarm): object {
  const shape = alarm.kind === 'MetricAlarm' ? metricAlarmShape(alarm) : compositeAlarmShape(alarm)
  const { StateReasonData: _, ...told } = shape
  return told
}
