import type {
  DeleteTopicInput,
  GetTopicAttributesInput,
  ListTopicsInput,
  SetTopicAttributesInput,
} from '../../protocol/models/sns.ts'
import { pageOf } from '../page.ts'
import type { Sns } from '../sns.ts'
import { attributesOf, withTopicAttribute } from '../topic-attributes.ts'

/** DeleteTopic, with its subscriptions. One that is not there is no error. Source: SNS API Reference. */
export async function deleteTopic(sns: Sns, { TopicArn = '' }: DeleteTopicInput) {
  await sns.inTurn(async () => {
    if (sns.findTopic(TopicArn)) await sns.deleteTopic(TopicArn)
    else if (!TopicArn.startsWith('arn:')) sns.getTopic(TopicArn)
  })
  return {}
}

/** ListTopics, a hundred at a time. Source: SNS API Reference. */
export async function listTopics(sns: Sns, { NextToken }: ListTopicsInput) {
  const { page, next } = pageOf(sns.topics(), NextToken)
  return { Topics: page.map(({ arn }) => ({ TopicArn: arn })), ...next }
}

/** GetTopicAttributes. Source: SNS API Reference. */
export async function getTopicAttributes(sns: Sns, { TopicArn }: GetTopicAttributesInput) {
  return { Attributes: attributesOf(sns, sns.getTopic(TopicArn)) }
}

/** SetTopicAttributes: one of them. An empty value is that of a new topic. Source: SNS API Reference. */
export async function setTopicAttributes(sns: Sns, input: SetTopicAttributesInput) {
  const { TopicArn, AttributeName, AttributeValue = '' } = input
  await sns.inTurn(async () => {
    const topic = sns.getTopic(TopicArn)
    await sns.putTopic(withTopicAttribute(sns.o, topic, [AttributeName, AttributeValue]))
  })
  return {}
}
