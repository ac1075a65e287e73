import { notValid } from '../faults.ts'
import { type Alarm, type CompositeAlarm, initialState, type MetricAlarm } from './alarm.ts'
import { compositeAlarmShape, metricAlarmShape } from './alarm-shape.ts'
import type { Alarms } from './alarms.ts'
import type { AlarmHistory } from './history.ts'
import { laterThan } from './transitions.ts'

/** What a request says of an alarm: all but what the alarm itself has become. */
export type Configuration = Of<MetricAlarm> | Of<CompositeAlarm>
type Of<Kind extends Alarm> = Omit<Kind, 'arn' | 'configuredAt' | 'state' | 'pending'>

/**
 * Stores a new alarm, or gives one another configuration as a whole. Its state stays, and so do its tags.
 *
 * @throws CloudWatchFault `ValidationException` when an alarm of another kind has the name
 */
export async function configure(
  { alarms, history }: { alarms: Alarms; history: AlarmHistory },
  wanted: Configuration,
): Promise<void> {
  const { name, kind } = wanted
  const { before, after } = await alarms.change(name, (existing): Alarm => {
    if (existing && existing.kind !== kind) {
      throw notValid(`The name '${name}' belongs to an alarm of another type.`)
    }
    const now = alarms.now()
    return {
      ...wanted,
      arn: alarms.arn(name),
      tags: existing?.tags ?? wanted.tags,
      configuredAt: existing ? laterThan(existing.configuredAt, now) : now.toISOString(),
      state: existing?.state ?? initialState(now),
      ...(existing?.pending ? { pending: existing.pending } : {}),
    }
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
