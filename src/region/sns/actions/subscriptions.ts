import type {
  GetSubscriptionAttributesInput,
  ListSubscriptionsByTopicInput,
  ListSubscriptionsInput,
  SetSubscriptionAttributesInput,
} from '../../protocol/models/sns.ts'
import { pageOf } from '../page.ts'
import type { Subscription } from '../records.ts'
import type { Sns } from '../sns.ts'
import { attributesOf, withSubscriptionAttributes } from '../subscription-attributes.ts'

/** ListSubscriptions, a hundred at a time. Source: SNS API Reference. */
export async function listSubscriptions(sns: Sns, { NextToken }: ListSubscriptionsInput) {
  return listed(sns, sns.subscriptions(), NextToken)
}

/** ListSubscriptionsByTopic, a hundred at a time. Source: SNS API Reference. */
export async function listSubscriptionsByTopic(sns: Sns, input: ListSubscriptionsByTopicInput) {
  const { arn } = sns.getTopic(input.TopicArn)
  return listed(sns, sns.subscriptions(arn), input.NextToken)
}

function listed(sns: Sns, all: readonly Subscription[], token: string | undefined) {
  const { page, next } = pageOf(all, token)
  return {
    Subscriptions: page.map(({ arn, topicArn, protocol, endpoint, status }) => ({
      SubscriptionArn: status === 'confirmed' ? arn : 'PendingConfirmation',
      Owner: sns.o.accountId,
      Protocol: protocol,
      Endpoint: endpoint,
      TopicArn: topicArn,
    })),
    ...next,
  }
}

/** GetSubscriptionAttributes. Source: SNS API Reference. */
export async function getSubscriptionAttributes(sns: Sns, input: GetSubscriptionAttributesInput) {
  return { Attributes: attributesOf(sns, sns.getSubscription(input.SubscriptionArn)) }
}

/** SetSubscriptionAttributes: one of them. Source: SNS API Reference. */
export async function setSubscriptionAttributes(sns: Sns, input: SetSubscriptionAttributesInput) {
  const { SubscriptionArn, AttributeName = '', AttributeValue = '' } = input
  await sns.inTurn(async () => {
    const subscription = sns.getSubscription(SubscriptionArn)
    const changes = { [AttributeName]: AttributeValue }
    await sns.putSubscription(withSubscriptionAttributes(subscription, changes))
  })
  return {}
}
