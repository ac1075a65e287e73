import { refuseAttribute } from './checks.ts'
import { checkTopicPolicy, effectiveTopicPolicy } from './delivery/delivery-policy.ts'
import { invalid, unsupported } from './faults.ts'
import type { Topic } from './records.ts'
import type { Sns } from './sns.ts'

type TopicAttributes = Pick<Topic, 'displayName' | 'policy' | 'deliveryPolicy' | 'signatureVersion'>

/**
 * A topic with another value of an attribute, as requests name them.
 *
 * Source: SNS API Reference, SetTopicAttributes.
 *
 * @throws SnsFault `InvalidParameterException`, `UnsupportedOperation`
 */
export function withTopicAttribute<T extends TopicAttributes>(
  { policies }: Sns['o'],
  topic: T,
  [name, value]: readonly [name: string | undefined, value: string],
): T {
  switch (name) {
    case 'DisplayName':
      if (value.length > 100) throw invalid('DisplayName', 'It has at most 100 characters')
      return { ...topic, displayName: value }
    case 'Policy': {
      const { policy: _, ...others } = topic
      if (value === '') return others as T
      const flaw = policies.flawOf(value)
      if (flaw !== undefined) throw invalid('Policy', flaw)
      return { ...topic, policy: value }
    }
    case 'DeliveryPolicy': {
      const { deliveryPolicy: _, ...others } = topic
      if (value === '') return others as T
      checkTopicPolicy(value)
      return { ...topic, deliveryPolicy: value }
    }
    case 'SignatureVersion':
      if (value !== '1' && value !== '2') throw invalid('SignatureVersion', 'It is 1 or 2')
      return { ...topic, signatureVersion: value }
    case 'TracingConfig':
      if (value === 'PassThrough') return topic
      throw unsupported('Active tracing')
    default:
      refuseAttribute(name, value)
      return topic
  }
}

/** How GetTopicAttributes tells a topic. */
export function attributesOf(sns: Sns, topic: Topic): Record<string, string> {
  const subscriptions = sns.subscriptions(topic.arn)
  const confirmed = subscriptions.filter(({ status }) => status === 'confirmed').length
  return {
    TopicArn: topic.arn,
    Owner: sns.o.accountId,
    DisplayName: topic.displayName,
    Policy: policyOf(sns, topic),
    ...(topic.deliveryPolicy === undefined ? {} : { DeliveryPolicy: topic.deliveryPolicy }),
    EffectiveDeliveryPolicy: effectiveTopicPolicy(topic.deliveryPolicy),
    SubscriptionsConfirmed: `${confirmed}`,
    SubscriptionsPending: `${subscriptions.length - confirmed}`,
    SubscriptionsDeleted: `${topic.deletedCount}`,
    ...(topic.signatureVersion === '1' ? {} : { SignatureVersion: topic.signatureVersion }),
  }
}

/** The policy of a topic: its own, or the one that every topic begins with. Source: SNS Developer Guide. */
export function policyOf(sns: Sns, { arn, policy }: Topic): string {
  return policy ?? defaultPolicy(arn, sns.o.accountId)
}

function defaultPolicy(arn: string, accountId: string): string {
  const actions = [
    ...['GetTopicAttributes', 'SetTopicAttributes', 'AddPermission', 'RemovePermission'],
    ...['DeleteTopic', 'Subscribe', 'ListSubscriptionsByTopic', 'Publish'],
  ]
  return JSON.stringify({
    Version: '2008-10-17',
    Id: '__default_policy_ID',
    Statement: [
      {
        Sid: '__default_statement_ID',
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: actions.map((action) => `SNS:${action}`),
        Resource: arn,
        Condition: { StringEquals: { 'AWS:SourceOwner': accountId } },
      },
    ],
  })
}
