import { isIP } from 'node:net'
import type { SubscribeInput } from '../../protocol/models/sns.ts'
import { isReachable, type Reach } from '../delivery/reach.ts'
import { invalid, unsupported } from '../faults.ts'
import type { Subscription, Topic } from '../records.ts'
import type { Sns } from '../sns.ts'
import { withSubscriptionAttributes } from '../subscription-attributes.ts'

const OTHER_PROTOCOLS = ['email', 'email-json', 'sms', 'sqs', 'application', 'lambda', 'firehose']
const MAX_ENDPOINT = 2048

/**
 * Subscribe: an endpoint to a topic. It is asked to confirm that, and gets nothing else until it has. The same
 * subscription once more asks again, or changes nothing when it is confirmed.
 *
 * Unlike AWS: subscribers are HTTP and HTTPS endpoints only, by default on this machine only, and without user names in their URLs.
 *
 * Source: SNS API Reference, Subscribe.
 */
export async function subscribe(sns: Sns, input: SubscribeInput) {
  const { TopicArn, Attributes = {}, ReturnSubscriptionArn = false } = input
  const protocol = checkedProtocol(input.Protocol)
  const endpoint = checkedEndpoint(protocol, input.Endpoint, sns.o.reach)
  const subscription = await sns.inTurn(async () => {
    const topic = sns.getTopic(TopicArn)
    const existing = sns
      .subscriptions(topic.arn)
      .find((one) => one.endpoint === endpoint && one.protocol === protocol)
    if (!existing) return await add(sns, topic, { protocol, endpoint, Attributes })
    const wanted = withSubscriptionAttributes(existing, Attributes)
    if (JSON.stringify(wanted) !== JSON.stringify(existing)) {
      throw invalid('Attributes', 'Subscription already exists with different attributes')
    }
    return existing.status === 'confirmed' ? existing : await askAgain(sns, topic, existing)
  })
  const isTold = ReturnSubscriptionArn || subscription.status === 'confirmed'
  return { SubscriptionArn: isTold ? subscription.arn : 'pending confirmation' }
}

async function add(
  sns: Sns,
  topic: Topic,
  o: Pick<Subscription, 'protocol' | 'endpoint'> & { Attributes: Record<string, string> },
): Promise<Subscription> {
  const { protocol, endpoint, Attributes } = o
  const blank: Subscription = {
    arn: `${topic.arn}:${sns.newMessageId()}`,
    topicArn: topic.arn,
    protocol,
    endpoint,
    status: 'pending',
    ...sns.newToken(),
    wasAuthenticated: false,
    needsAuthenticationToEnd: false,
    isRaw: false,
  }
  return await askAgain(sns, topic, withSubscriptionAttributes(blank, Attributes))
}

/** Asks the endpoint for its confirmation, with a token that is new. */
async function askAgain(sns: Sns, topic: Topic, pending: Subscription): Promise<Subscription> {
  const subscription = { ...pending, ...sns.newToken() }
  await sns.putSubscription(subscription)
  const now = sns.now().toISOString()
  await sns.queue.add([
    {
      kind: 'SubscriptionConfirmation',
      subscriptionArn: subscription.arn,
      message: {
        id: sns.newMessageId(),
        topicArn: topic.arn,
        text:
          `You have chosen to subscribe to the topic ${topic.arn}.\n` +
          'To confirm the subscription, visit the SubscribeURL included in this message.',
        publishedAt: now,
      },
      attempts: 0,
      nextAttemptAt: now,
    },
  ])
  return subscription
}

function checkedProtocol(protocol: string | undefined): Subscription['protocol'] {
  if (protocol === 'http' || protocol === 'https') return protocol
  if (OTHER_PROTOCOLS.includes(protocol ?? '')) throw unsupported(`The protocol ${protocol}`)
  throw invalid('Protocol', `'${protocol ?? ''}' is none`)
}

function checkedEndpoint(protocol: string, endpoint: string | undefined, reach: Reach): string {
  const wrong = (reason: string) => invalid('Endpoint', reason)
  if (!endpoint || endpoint.length > MAX_ENDPOINT) {
    throw wrong(`It is a URL of at most ${MAX_ENDPOINT} characters`)
  }
  if (!endpoint.startsWith(`${protocol}://`) || !URL.canParse(endpoint)) {
    throw wrong(`It is a URL that begins with ${protocol}://`)
  }
  const { hostname, username, password, hash } = new URL(endpoint)
  if (username !== '' || password !== '') throw unsupported('A user name in an endpoint')
  if (hash !== '') throw wrong('It has no fragment')
  // A name is looked up whenever a message is sent.
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(address) !== 0 && !isReachable(address, reach)) {
    throw wrong(
      reach === 'loopback'
        ? 'An embedded region sends messages to this machine only, as to http://127.0.0.1:PORT'
        : 'Messages are never sent to this address',
    )
  }
  return endpoint
}
