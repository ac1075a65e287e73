import { SnsFault, type UnsubscribeInput } from '../../protocol/models/sns.ts'
import type { Subscription } from '../records.ts'
import type { Sns } from '../sns.ts'

/**
 * Unsubscribe. When nobody signed that, the endpoint is told, and may take it back for three days.
 *
 * Source: SNS API Reference, Unsubscribe.
 */
export async function unsubscribe(
  sns: Sns,
  { SubscriptionArn }: UnsubscribeInput,
  { isSigned }: { isSigned: boolean },
) {
  await sns.inTurn(async () => {
    const subscription = sns.getSubscription(SubscriptionArn)
    const { arn, topicArn, needsAuthenticationToEnd } = subscription
    if (needsAuthenticationToEnd && !isSigned) {
      throw new SnsFault(
        'AuthorizationErrorException',
        'This subscription is ended by signed requests only.',
      )
    }
    if (isSigned || subscription.status === 'pending') await sns.deleteSubscription(arn)
    else await deactivate(sns, subscription)
    const topic = sns.findTopic(topicArn)
    if (topic) await sns.putTopic({ ...topic, deletedCount: topic.deletedCount + 1 })
  })
  return {}
}

async function deactivate(sns: Sns, subscription: Subscription): Promise<void> {
  const { arn, topicArn } = subscription
  await sns.putSubscription({ ...subscription, status: 'deactivated', ...sns.newToken() })
  await sns.queue.drop(arn)
  const now = sns.now().toISOString()
  await sns.queue.add([
    {
      kind: 'UnsubscribeConfirmation',
      subscriptionArn: arn,
      message: {
        id: sns.newMessageId(),
        topicArn,
        text:
          `You have chosen to deactivate subscription ${arn}.\n` +
          'To cancel this operation and restore the subscription, visit the SubscribeURL included in this message.',
        publishedAt: now,
      },
      attempts: 0,
      nextAttemptAt: now,
    },
  ])
}
