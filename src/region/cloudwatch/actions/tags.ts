import type {
  ListTagsForResourceInput,
  TagResourceInput,
  UntagResourceInput,
} from '../../protocol/models/cloudwatch.ts'
import { CloudWatchFault } from '../../protocol/models/cloudwatch.ts'
import type { Alarm } from '../alarms/alarm.ts'
import type { Alarms } from '../alarms/alarms.ts'
import { checkedTags } from '../checks.ts'

/** ListTagsForResource. Unlike AWS: only alarms have tags here. Source: CloudWatch API Reference. */
export async function listTagsForResource(alarms: Alarms, input: ListTagsForResourceInput) {
  return { Tags: [...tagged(alarms, input.ResourceARN).tags] }
}

/** TagResource: a key that is there already gets the value given. Source: CloudWatch API Reference. */
export async function tagResource(alarms: Alarms, input: TagResourceInput) {
  const added = checkedTags(input.Tags ?? [])
  await change(alarms, input.ResourceARN, (tags) => {
    const kept = tags.filter(({ Key }) => !added.some((tag) => tag.Key === Key))
    return checkedTags([...kept, ...added])
  })
  return {}
}

/** UntagResource: a key that is not there is no error. Source: CloudWatch API Reference. */
export async function untagResource(alarms: Alarms, input: UntagResourceInput) {
  const keys = input.TagKeys ?? []
  await change(alarms, input.ResourceARN, (tags) => tags.filter(({ Key }) => !keys.includes(Key)))
  return {}
}

async function change(
  alarms: Alarms,
  arn: string | undefined,
  next: (tags: Alarm['tags']) => Alarm['tags'],
): Promise<void> {
  const { name } = tagged(alarms, arn)
  await alarms.change(name, (alarm) => alarm && { ...alarm, tags: next(alarm.tags) })
}

/** @throws CloudWatchFault `ResourceNotFoundException` */
function tagged(alarms: Alarms, arn = ''): Alarm {
  const found = arn.startsWith('arn:') ? alarms.find(arn) : undefined
  if (found) return found
  throw new CloudWatchFault('ResourceNotFoundException', `The resource ${arn} does not exist.`)
}
