import { delayAfter, effectivePolicy } from './delivery/delivery-policy.ts'
import type { Attempt } from './delivery/delivery-queue.ts'
import { post } from './delivery/post.ts'
import type { Delivery, Subscription, Topic } from './records.ts'
import { confirmationEnvelope, notificationEnvelope } from './signing/envelope.ts'
import type { Sns } from './sns.ts'

/** Sends deliveries to endpoints as their subscriptions and topics are now. */
export class SubscriptionSending {
  constructor(private readonly sns: Sns) {}

  /** Undefined when there is nothing to send any more. */
  attempt(delivery: Delivery): Attempt | undefined {
    const subscription = this.sns.findSubscription(delivery.subscriptionArn)
    const topic = this.sns.findTopic(delivery.message.topicArn)
    if (!subscription || !topic || subscription.status !== NEEDED_STATUS[delivery.kind]) {
      return undefined
    }
    const policy = effectivePolicy(topic.deliveryPolicy, subscription.deliveryPolicy)
    return {
      maxReceivesPerSecond: policy.maxReceivesPerSecond,
      delayAfter: (failures) => delayAfter(policy.retries, failures),
      send: async (signal) => {
        const body = await this.#body(delivery, subscription, topic)
        const headers = headersOf(delivery, subscription, policy.contentType)
        return await post(subscription.endpoint, {
          headers,
          body,
          reach: this.sns.o.reach,
          signal,
        })
      },
    }
  }

  async #body(delivery: Delivery, subscription: Subscription, topic: Topic): Promise<string> {
    if (goesRaw(delivery, subscription)) return delivery.message.text
    const { signer } = this.sns
    const endpoint = this.sns.o.endpoint()
    const { name } = await signer.certificate()
    const version = topic.signatureVersion
    const signing = {
      version,
      certificateUrl: `${endpoint}/${name}`,
      sign: (text: string) => signer.sign(text, version),
    }
    const { arn, token, topicArn } = subscription
    if (delivery.kind === 'Notification') {
      const unsubscribeUrl = `${endpoint}/?Action=Unsubscribe&SubscriptionArn=${arn}`
      return await notificationEnvelope(delivery, unsubscribeUrl, signing)
    }
    const subscribeUrl = `${endpoint}/?Action=ConfirmSubscription&TopicArn=${topicArn}&Token=${token}`
    return await confirmationEnvelope(delivery, { token, subscribeUrl }, signing)
  }
}

/** What a subscription must be for a message to make sense. */
const NEEDED_STATUS: Readonly<Record<Delivery['kind'], Subscription['status']>> = {
  Notification: 'confirmed',
  SubscriptionConfirmation: 'pending',
  UnsubscribeConfirmation: 'deactivated',
}

function goesRaw({ kind }: Delivery, { isRaw }: Subscription): boolean {
  return kind === 'Notification' && isRaw
}

/** Source: SNS Developer Guide, "HTTP/HTTPS headers". */
function headersOf(
  delivery: Delivery,
  subscription: Subscription,
  contentType: string,
): Record<string, string> {
  const { kind, message } = delivery
  return {
    'x-amz-sns-message-type': kind,
    'x-amz-sns-message-id': message.id,
    'x-amz-sns-topic-arn': message.topicArn,
    ...(kind === 'SubscriptionConfirmation'
      ? {}
      : { 'x-amz-sns-subscription-arn': subscription.arn }),
    ...(goesRaw(delivery, subscription) ? { 'x-amz-sns-rawdelivery': 'true' } : {}),
    'content-type': contentType,
    'user-agent': 'Amazon Simple Notification Service Agent',
  }
}
