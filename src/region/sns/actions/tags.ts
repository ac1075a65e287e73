import {
  type ListTagsForResourceRequest,
  SnsFault,
  type TagResourceRequest,
  type UntagResourceRequest,
} from '../../protocol/models/sns.ts'
import { checkedTags } from '../checks.ts'
import type { Topic } from '../records.ts'
import type { Sns } from '../sns.ts'

/** ListTagsForResource, of a topic. Source: SNS API Reference. */
export async function listTagsForResource(sns: Sns, { ResourceArn }: ListTagsForResourceRequest) {
  return { Tags: [...tagged(sns, ResourceArn).tags] }
}

/** TagResource: a key that is there already gets the value given. Source: SNS API Reference. */
export async function tagResource(sns: Sns, { ResourceArn, Tags = [] }: TagResourceRequest) {
  const added = checkedTags(Tags)
  await sns.inTurn(async () => {
    const topic = tagged(sns, ResourceArn)
    const kept = topic.tags.filter(({ Key }) => !added.some((tag) => tag.Key === Key))
    await sns.putTopic({ ...topic, tags: checkedTags([...kept, ...added]) })
  })
  return {}
}

/** UntagResource: a key that is not there is no error. Source: SNS API Reference. */
export async function untagResource(sns: Sns, { ResourceArn, TagKeys = [] }: UntagResourceRequest) {
  await sns.inTurn(async () => {
    const topic = tagged(sns, ResourceArn)
    await sns.putTopic({ ...topic, tags: topic.tags.filter(({ Key }) => !TagKeys.includes(Key)) })
  })
  return {}
}

/** @throws SnsFault `ResourceNotFoundException` */
function tagged(sns: Sns, arn = ''): Topic {
  const topic = sns.findTopic(arn)
  if (topic) return topic
  throw new SnsFault('ResourceNotFoundException', 'Resource does not exist')
}
