import { checkedBoolean, refuseAttribute } from './checks.ts'
import {
  checkSubscriptionPolicy,
  effectivePolicy,
  effectiveSubscriptionPolicy,
} from './delivery/delivery-policy.ts'
import { parseFilterPolicy } from './delivery/filter-policy.ts'
import { invalid } from './faults.ts'
import type { Subscription } from './records.ts'
import type { Sns } from './sns.ts'

export type SubscriptionAttributes = Pick<
  Subscription,
  'isRaw' | 'filterPolicy' | 'filterPolicyScope' | 'deliveryPolicy'
>

/**
 * A subscription with other values of attributes, as requests name them.
 *
 * Source: SNS API Reference, SetSubscriptionAttributes.
 *
 * @throws SnsFault `InvalidParameterException`, `UnsupportedOperation`
 */
export function withSubscriptionAttributes<T extends SubscriptionAttributes>(
  subscription: T,
  attributes: Readonly<Record<string, string>>,
): T {
  const changed = Object.entries(attributes).reduce(withOne, subscription)
  const { filterPolicy, filterPolicyScope = 'MessageAttributes' } = changed
  if (filterPolicy !== undefined) parseFilterPolicy(filterPolicy, filterPolicyScope)
  return changed
}

function withOne<T extends SubscriptionAttributes>(
  subscription: T,
  [name, value]: readonly [name: string, value: string],
): T {
  switch (name) {
    case 'RawMessageDelivery':
      return { ...subscription, isRaw: checkedBoolean(name, value) }
    case 'FilterPolicy': {
      const { filterPolicy: _, ...others } = subscription
      const isNone = value === '' || value === '{}'
      return isNone ? (others as T) : { ...subscription, filterPolicy: value }
    }
    case 'FilterPolicyScope':
      if (value !== 'MessageAttributes' && value !== 'MessageBody') {
        throw invalid('FilterPolicyScope', 'It is MessageAttributes or MessageBody')
      }
      return { ...subscription, filterPolicyScope: value }
    case 'DeliveryPolicy': {
      const { deliveryPolicy: _, ...others } = subscription
      if (value === '') return others as T
      checkSubscriptionPolicy(value)
      return { ...subscription, deliveryPolicy: value }
    }
    default:
      refuseAttribute(name, value)
      return subscription
  }
}

/** How GetSubscriptionAttributes tells a subscription. */
export function attributesOf(sns: Sns, subscription: Subscription): Record<string, string> {
  const { filterPolicy, filterPolicyScope, deliveryPolicy, topicArn } = subscription
  const policy = effectivePolicy(sns.findTopic(topicArn)?.deliveryPolicy, deliveryPolicy)
  return {
    SubscriptionArn: subscription.arn,
    TopicArn: topicArn,
    Protocol: subscription.protocol,
    Endpoint: subscription.endpoint,
    Owner: sns.o.accountId,
    PendingConfirmation: `${subscription.status === 'pending'}`,
    ConfirmationWasAuthenticated: `${subscription.wasAuthenticated}`,
    RawMessageDelivery: `${subscription.isRaw}`,
    ...(filterPolicy === undefined
      ? {}
      : {
          FilterPolicy: filterPolicy,
          FilterPolicyScope: filterPolicyScope ?? 'MessageAttributes',
        }),
    ...(deliveryPolicy === undefined ? {} : { DeliveryPolicy: deliveryPolicy }),
    EffectiveDeliveryPolicy: effectiveSubscriptionPolicy(policy),
  }
}
