import { SNS } from '@aws-sdk/client-sns'
import { expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { snsUnderTest, topicArn } from './sns-under-test.ts'

const region = snsUnderTest()

async function subscribed(name: string) {
  const TopicArn = await region.topic(name)
  return { TopicArn, SubscriptionArn: await region.subscribed(TopicArn, `/${name}`) }
}

async function count(TopicArn: string) {
  const { Attributes } = await region.sdk().getTopicAttributes({ TopicArn })
  return [Attributes!.SubscriptionsConfirmed, Attributes!.SubscriptionsDeleted]
}

test('signed, it ends a subscription at once, and nothing is sent any more', async () => {
  const { TopicArn, SubscriptionArn } = await subscribed('signed')
  expect(await count(TopicArn)).toEqual(['1', '0'])
  await region.sdk().unsubscribe({ SubscriptionArn })
  expect(await count(TopicArn)).toEqual(['0', '1'])
  expect(await refusal(region.sdk().getSubscriptionAttributes({ SubscriptionArn }))).toBe(
    'NotFoundException',
  )
  await region.subscribed(TopicArn, '/other')
  await region.sdk().publish({ TopicArn, Message: 'm' })
  await region.sink().waitFor('/other')
  expect(region.sink().at('/signed')).toEqual([])
})

test('by the URL in a message anybody ends it, and the endpoint may take that back', async () => {
  const { TopicArn, SubscriptionArn } = await subscribed('by-url')
  await region.sdk().publish({ TopicArn, Message: 'one' })
  const { UnsubscribeURL } = await region.sink().message('/by-url')
  expect((await fetch(UnsubscribeURL!)).status).toBe(200)
  expect(await count(TopicArn)).toEqual(['0', '1'])
  expect((await region.sdk().listSubscriptionsByTopic({ TopicArn })).Subscriptions).toEqual([])

  const [, told] = await region.sink().waitFor('/by-url', 2)
  expect(told!.headers).toMatchObject({
    'x-amz-sns-message-type': 'UnsubscribeConfirmation',
    'x-amz-sns-subscription-arn': SubscriptionArn,
  })
  const { kind, subscribeUrl } = await region.verifier(TopicArn).verify(told!.body)
  expect(kind).toBe('UnsubscribeConfirmation')
  expect((await fetch(subscribeUrl!)).status).toBe(200)
  await region.sdk().publish({ TopicArn, Message: 'two' })
  expect(await region.sink().message('/by-url', 3)).toMatchObject({ Message: 'two' })
})

test('who confirmed by a signature may demand one for the end', async () => {
  const TopicArn = await region.topic('authenticated')
  const Endpoint = region.sink().url('/authenticated')
  await region.sdk().subscribe({ TopicArn, Protocol: 'http', Endpoint })
  const { Token, SubscribeURL } = await region.sink().message('/authenticated')
  // Without a signature nobody can demand it.
  expect((await fetch(`${SubscribeURL}&AuthenticateOnUnsubscribe=true`)).status).toBe(403)
  const { SubscriptionArn } = await region
    .sdk()
    .confirmSubscription({ TopicArn, Token, AuthenticateOnUnsubscribe: 'true' })
  const url = `${region.endpoint()}/?Action=Unsubscribe&SubscriptionArn=${SubscriptionArn}`
  const refused = await fetch(url)
  expect([refused.status, await refused.text()]).toEqual([
    403,
    expect.stringContaining('<Code>AuthorizationError</Code>'),
  ])
  expect(await count(TopicArn)).toEqual(['1', '0'])
  await region.sdk().unsubscribe({ SubscriptionArn })
  expect(await count(TopicArn)).toEqual(['0', '1'])
})

test('refuses what is no subscription', async () => {
  const absent = `${topicArn('absent')}:00000000-0000-0000-0000-000000000000`
  expect(await refusal(region.sdk().unsubscribe({ SubscriptionArn: absent }))).toBe(
    'NotFoundException',
  )
  const wrong = region.sdk().unsubscribe({ SubscriptionArn: 'PendingConfirmation' })
  expect(await refusal(wrong)).toBe('InvalidParameterException')
})

test('nothing but those pages is open to who does not sign', async () => {
  for (const query of ['Action=ListTopics', `Action=DeleteTopic&TopicArn=${topicArn('signed')}`]) {
    const answer = await fetch(`${region.endpoint()}/?${query}`)
    expect([answer.status, await answer.text()]).toEqual([
      403,
      expect.stringContaining('MissingAuthenticationToken'),
    ])
  }
  expect(await count(topicArn('signed'))).toEqual(['1', '1'])
  const forged = new SNS({
    ...region.client(),
    credentials: { accessKeyId: 'AKIALIFEBOATTEST0001', secretAccessKey: 'wrong' },
  })
  expect(await refusal(forged.deleteTopic({ TopicArn: topicArn('signed') }))).toBe(
    'SignatureDoesNotMatch',
  )
  forged.destroy()
})
