import { expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { snsUnderTest, topicArn } from './sns-under-test.ts'

const region = snsUnderTest()
const DAY_MS = 86_400_000

async function pending(name: string, path: string) {
  const TopicArn = await region.topic(name)
  const subscription = { TopicArn, Protocol: 'http', Endpoint: region.sink().url(path) }
  const answer = await region.sdk().subscribe(subscription)
  return { TopicArn, subscription, answer, message: await region.sink().message(path) }
}

test('an endpoint is asked to confirm, signed, and confirms by visiting a URL', async () => {
  const { TopicArn, answer, message } = await pending('asked', '/asked')
  expect(answer.SubscriptionArn).toBe('pending confirmation')
  const [received] = region.sink().at('/asked')
  expect(received!.headers).toMatchObject({
    'x-amz-sns-message-type': 'SubscriptionConfirmation',
    'x-amz-sns-topic-arn': TopicArn,
  })
  expect(received!.headers['x-amz-sns-subscription-arn']).toBeUndefined()
  const verified = await region.verifier(TopicArn).verify(received!.body)
  expect(verified).toMatchObject({
    kind: 'SubscriptionConfirmation',
    subscribeUrl: message.SubscribeURL,
  })
  const listed = await region.sdk().listSubscriptionsByTopic({ TopicArn })
  expect(listed.Subscriptions).toMatchObject([
    {
      SubscriptionArn: 'PendingConfirmation',
      Protocol: 'http',
      Endpoint: region.sink().url('/asked'),
    },
  ])

  const visited = await fetch(verified.subscribeUrl!)
  const [, arn] = /<SubscriptionArn>(.+)<\/SubscriptionArn>/.exec(await visited.text()) ?? []
  expect(arn).toMatch(new RegExp(`^${TopicArn}:[0-9a-f-]{36}$`))
  const { Attributes } = await region.sdk().getSubscriptionAttributes({ SubscriptionArn: arn })
  expect(Attributes).toMatchObject({
    SubscriptionArn: arn,
    TopicArn,
    Protocol: 'http',
    Owner: '000000000000',
    PendingConfirmation: 'false',
    ConfirmationWasAuthenticated: 'false',
    RawMessageDelivery: 'false',
  })
  expect(JSON.parse(Attributes!.EffectiveDeliveryPolicy!)).toMatchObject({
    healthyRetryPolicy: { numRetries: 3 },
  })
})

test('the same subscription again asks again, with another token, and is one', async () => {
  const { TopicArn, subscription, message } = await pending('again', '/again')
  const { SubscriptionArn } = await region
    .sdk()
    .subscribe({ ...subscription, ReturnSubscriptionArn: true })
  const second = await region.sink().message('/again', 2)
  expect(second.Token).not.toBe(message.Token)
  const old = region.sdk().confirmSubscription({ TopicArn, Token: message.Token })
  expect(await refusal(old)).toBe('InvalidParameterException')
  const confirmed = await region.sdk().confirmSubscription({ TopicArn, Token: second.Token })
  expect(confirmed.SubscriptionArn).toBe(SubscriptionArn)
  const repeated = await region.sdk().subscribe(subscription)
  expect(repeated.SubscriptionArn).toBe(SubscriptionArn)
  const { Subscriptions } = await region.sdk().listSubscriptionsByTopic({ TopicArn })
  expect(Subscriptions).toHaveLength(1)
  const other = { ...subscription, Attributes: { RawMessageDelivery: 'true' } }
  expect(await refusal(region.sdk().subscribe(other))).toBe('InvalidParameterException')
})

test('a token is good for its topic and for three days, and a subscription waits as long', async () => {
  const { TopicArn, message } = await pending('late', '/late')
  const elsewhere = { TopicArn: await region.topic('elsewhere'), Token: message.Token }
  expect(await refusal(region.sdk().confirmSubscription(elsewhere))).toBe(
    'InvalidParameterException',
  )
  const guessed = { TopicArn, Token: '0'.repeat(message.Token!.length) }
  expect(await refusal(region.sdk().confirmSubscription(guessed))).toBe('InvalidParameterException')
  expect((await fetch(message.SubscribeURL!.replace(/Token=./, 'Token=x'))).status).toBe(400)
  region.clock.forward(3 * DAY_MS)
  const tooLate = region.sdk().confirmSubscription({ TopicArn, Token: message.Token })
  expect(await refusal(tooLate)).toBe('InvalidParameterException')
  expect((await region.sdk().listSubscriptionsByTopic({ TopicArn })).Subscriptions).toEqual([])
  region.clock.forward(-3 * DAY_MS)
})

test.each([
  ['e-mail', { Protocol: 'email', Endpoint: 'a@example.com' }, 'UnsupportedOperation'],
  [
    'a queue',
    { Protocol: 'sqs', Endpoint: 'arn:aws:sqs:eu-west-1:000000000000:q' },
    'UnsupportedOperation',
  ],
  [
    'a function',
    { Protocol: 'lambda', Endpoint: 'arn:aws:lambda:eu-west-1:000000000000:function:f' },
    'UnsupportedOperation',
  ],
  [
    'a protocol that is none',
    { Protocol: 'ftp', Endpoint: 'ftp://127.0.0.1/' },
    'InvalidParameterException',
  ],
  ['no endpoint', { Protocol: 'http' }, 'InvalidParameterException'],
  [
    'the other protocol',
    { Protocol: 'https', Endpoint: 'http://127.0.0.1:9/' },
    'InvalidParameterException',
  ],
  ['what is no URL', { Protocol: 'http', Endpoint: 'http://' }, 'InvalidParameterException'],
  [
    'another machine',
    { Protocol: 'http', Endpoint: 'http://192.168.1.1/' },
    'InvalidParameterException',
  ],
  [
    'a metadata service',
    { Protocol: 'http', Endpoint: 'http://169.254.169.254/latest' },
    'InvalidParameterException',
  ],
  [
    'a metadata service, written otherwise',
    { Protocol: 'http', Endpoint: 'http://2852039166/' },
    'InvalidParameterException',
  ],
  [
    'a password',
    { Protocol: 'http', Endpoint: 'http://user:pass@127.0.0.1:9/' },
    'UnsupportedOperation',
  ],
  [
    'a dead letter queue',
    { Protocol: 'http', Endpoint: 'http://127.0.0.1:9/', Attributes: { RedrivePolicy: '{}' } },
    'UnsupportedOperation',
  ],
  [
    'a filter that is none',
    { Protocol: 'http', Endpoint: 'http://127.0.0.1:9/', Attributes: { FilterPolicy: '[]' } },
    'InvalidParameterException',
  ],
])('refuses %s, and there is no subscription', async (_, input, code) => {
  const TopicArn = await region.topic('refusing')
  expect(await refusal(region.sdk().subscribe({ TopicArn, ...input }))).toBe(code)
  const { Subscriptions } = await region.sdk().listSubscriptionsByTopic({ TopicArn })
  expect(Subscriptions).toEqual([])
})

test('refuses a topic that is not there', async () => {
  const Endpoint = region.sink().url('/absent')
  const absent = { TopicArn: topicArn('absent'), Protocol: 'http', Endpoint }
  expect(await refusal(region.sdk().subscribe(absent))).toBe('NotFoundException')
  expect(region.sink().at('/absent')).toEqual([])
})

test('attributes of a subscription are set and told', async () => {
  const TopicArn = await region.topic('settings')
  const SubscriptionArn = await region.subscribed(TopicArn, '/settings')
  const set = (AttributeName: string, AttributeValue: string) =>
    region.sdk().setSubscriptionAttributes({ SubscriptionArn, AttributeName, AttributeValue })
  await set('RawMessageDelivery', 'true')
  await set('FilterPolicyScope', 'MessageBody')
  await set('FilterPolicy', '{"a":{"b":["c"]}}')
  await set('DeliveryPolicy', '{"healthyRetryPolicy":{"numRetries":0}}')
  await region.restart()
  const told = async () =>
    (await region.sdk().getSubscriptionAttributes({ SubscriptionArn })).Attributes
  expect(await told()).toMatchObject({
    RawMessageDelivery: 'true',
    FilterPolicy: '{"a":{"b":["c"]}}',
    FilterPolicyScope: 'MessageBody',
    DeliveryPolicy: '{"healthyRetryPolicy":{"numRetries":0}}',
  })
  // What the other scope does not allow.
  expect(await refusal(set('FilterPolicyScope', 'MessageAttributes'))).toBe(
    'InvalidParameterException',
  )
  expect(await refusal(set('RawMessageDelivery', 'perhaps'))).toBe('InvalidParameterException')
  expect(await refusal(set('DeliveryPolicy', '{"x":1}'))).toBe('InvalidParameterException')
  await set('FilterPolicy', '')
  expect((await told())!.FilterPolicy).toBeUndefined()
})
