import { type ConfirmSubscriptionInput, SnsFault } from '../../protocol/models/sns.ts'
import { checkedBoolean } from '../checks.ts'
import { invalid } from '../faults.ts'
import type { Sns } from '../sns.ts'

/**
 * ConfirmSubscription: by the token that the endpoint was sent. The same token once more changes nothing. It also takes
 * back the end of a subscription.
 *
 * @param isSigned  whether the request was; without, anybody who knows the token may
 *
 * Source: SNS API Reference, ConfirmSubscription.
 */
export async function confirmSubscription(
  sns: Sns,
  input: ConfirmSubscriptionInput,
  { isSigned }: { isSigned: boolean },
) {
  const { TopicArn, Token = '', AuthenticateOnUnsubscribe = 'false' } = input
  const needsAuthentication = checkedBoolean('AuthenticateOnUnsubscribe', AuthenticateOnUnsubscribe)
  if (needsAuthentication && !isSigned) {
    throw new SnsFault(
      'AuthorizationErrorException',
      'AuthenticateOnUnsubscribe is for requests that are signed.',
    )
  }
  return await sns.inTurn(async () => {
    const topic = sns.getTopic(TopicArn)
    const found = Token === '' ? undefined : sns.findByToken(topic.arn, Token)
    if (!found) throw invalid('Token', 'Invalid token')
    if (found.status !== 'confirmed' || needsAuthentication) {
      await sns.putSubscription({
        ...found,
        status: 'confirmed',
        wasAuthenticated: isSigned,
        needsAuthenticationToEnd: needsAuthentication || found.needsAuthenticationToEnd,
      })
    }
    return { SubscriptionArn: found.arn }
  })
}
