import { CloudWatchFault } from '../protocol/models/cloudwatch.ts'
import type { Alarm, Tag } from './alarms/alarm.ts'
import type { Alarms } from './alarms/alarms.ts'
import { invalid, notValid, refuseUnsupported } from './faults.ts'

/** What actions on alarms check in the same way. Source: CloudWatch API Reference, each action. */

const MAX_ACTIONS = 5
const MAX_TAGS = 50

/** @throws CloudWatchFault `ValidationException` */
export function checkedAlarmName(name: string | undefined): string {
  if (name && name.length <= 255 && !/[\x00-\x1f\x7f]/.test(name)) return name
  throw notValid('An alarm name has 1 to 255 characters, and no control characters.')
}

/** @throws CloudWatchFault `ValidationException` */
export function checkedDescription(description: string | undefined): string | undefined {
  if ((description?.length ?? 0) <= 1024) return description
  throw notValid('AlarmDescription has at most 1024 characters.')
}

/**
 * Actions that an embedded region can execute: notifications to its topics.
 *
 * @throws CloudWatchFault `ValidationException`, `UnsupportedOperation`
 */
export function checkedActions(
  actions: readonly string[] | undefined,
  o: { region: string; accountId: string },
): readonly string[] {
  const checked = actions ?? []
  if (checked.length > MAX_ACTIONS) {
    throw notValid(`An alarm has at most ${MAX_ACTIONS} actions for a state.`)
  }
  if (new Set(checked).size < checked.length) throw notValid('An action is named twice.')
  for (const action of checked) {
    const [arn, , service, region, accountId, name = ''] = action.split(':')
    if (arn !== 'arn' || !service) throw notValid(`'${action}' is not the ARN of an action.`)
    refuseUnsupported({ [`An action of '${service}'`]: service !== 'sns' })
    if (region !== o.region || accountId !== o.accountId || !/^[\w-]{1,256}$/.test(name)) {
      throw notValid(`'${action}' is not the ARN of a topic of this region and account.`)
    }
  }
  return checked
}

/** @throws CloudWatchFault `InvalidParameterValueException` */
export function checkedTags(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[],
): Tag[] {
  const checked = tags.map(({ Key = '', Value = '' }): Tag => {
    if (Key === '' || Key.length > 128 || Value.length > 256 || /^aws:/i.test(Key)) {
      throw invalid(
        'A tag key has 1 to 128 characters, without the prefix aws:, and a value at most 256.',
      )
    }
    return { Key, Value }
  })
  if (new Set(checked.map(({ Key }) => Key)).size < checked.length) {
    throw invalid('No two tags have the same key.')
  }
  if (checked.length > MAX_TAGS) throw invalid(`An alarm has at most ${MAX_TAGS} tags.`)
  return checked
}

/** @throws CloudWatchFault `ResourceNotFound` */
export function getAlarm(alarms: Alarms, name: string): Alarm {
  const found = alarms.find(name)
  if (found) return found
  throw new CloudWatchFault('ResourceNotFound', `The alarm ${name} does not exist.`)
}
