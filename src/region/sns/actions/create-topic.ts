import type { CreateTopicInput } from '../../protocol/models/sns.ts'
import { checkedTags } from '../checks.ts'
import { invalid, unsupported } from '../faults.ts'
import type { Topic } from '../records.ts'
import type { Sns } from '../sns.ts'
import { withTopicAttribute } from '../topic-attributes.ts'

/**
 * CreateTopic: the topic of a name, made if need be. One that is there with other attributes or tags is refused.
 *
 * Unlike AWS: there are no FIFO topics.
 *
 * Source: SNS API Reference, CreateTopic.
 */
export async function createTopic(sns: Sns, input: CreateTopicInput) {
  const name = input.Name ?? ''
  const attributes = Object.entries(input.Attributes ?? {})
  if (name.endsWith('.fifo')) throw unsupported('A FIFO topic')
  if (!/^[\w-]{1,256}$/.test(name)) {
    throw invalid('Topic Name', 'It has 1 to 256 letters, digits, underscores and hyphens')
  }
  if (input.DataProtectionPolicy) throw unsupported('A data protection policy')
  const arn = sns.topicArn(name)
  const tags = checkedTags(input.Tags ?? [])
  const blank: Topic = {
    ...{ name, arn, displayName: '', signatureVersion: '1', tags, deletedCount: 0 },
  }
  return await sns.inTurn(async () => {
    const existing = sns.findTopic(arn)
    const wanted = attributes.reduce(
      (topic, one) => withTopicAttribute(sns.o, topic, one),
      existing ?? blank,
    )
    if (!existing) {
      await sns.putTopic(wanted)
      return { TopicArn: arn }
    }
    if (JSON.stringify(wanted) !== JSON.stringify(existing)) {
      throw invalid('Attributes', 'Topic already exists with different attributes')
    }
    if (input.Tags && !areSame(tags, existing.tags)) {
      throw invalid('Tags', 'Topic already exists with different tags')
    }
    return { TopicArn: arn }
  })
}

function areSame(a: Topic['tags'], b: Topic['tags']): boolean {
  const texts = [a, b].map((tags) =>
    tags
      .map(({ Key, Value }) => `${Key}=${Value}`)
      .sort()
      .join(),
  )
  return texts[0] === texts[1]
}
