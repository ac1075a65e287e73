import { expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { snsUnderTest, topicArn } from './sns-under-test.ts'

const region = snsUnderTest()

test('makes a topic once, whoever asks how often', async () => {
  const wanted = { Name: 'orders', Tags: [{ Key: 'team', Value: 'shop' }] }
  const { TopicArn } = await region.sdk().createTopic(wanted)
  expect(TopicArn).toBe(topicArn('orders'))
  expect(await region.sdk().createTopic(wanted)).toMatchObject({ TopicArn })
  expect(await region.sdk().createTopic({ Name: 'orders' })).toMatchObject({ TopicArn })
  const { Topics } = await region.sdk().listTopics({})
  expect(Topics?.filter((topic) => topic.TopicArn === TopicArn)).toHaveLength(1)
  expect(await region.sdk().listTagsForResource({ ResourceArn: TopicArn })).toMatchObject({
    Tags: [{ Key: 'team', Value: 'shop' }],
  })
})

test('a topic begins with the policy and the deliveries of AWS', async () => {
  const TopicArn = await region.topic('plain')
  const { Attributes } = await region.sdk().getTopicAttributes({ TopicArn })
  expect(Attributes).toMatchObject({
    TopicArn,
    Owner: '000000000000',
    DisplayName: '',
    SubscriptionsConfirmed: '0',
    SubscriptionsPending: '0',
    SubscriptionsDeleted: '0',
  })
  expect(JSON.parse(Attributes!.Policy!)).toMatchObject({
    Id: '__default_policy_ID',
    Statement: [{ Resource: TopicArn, Principal: { AWS: '*' } }],
  })
  expect(JSON.parse(Attributes!.EffectiveDeliveryPolicy!)).toMatchObject({
    http: { defaultHealthyRetryPolicy: { minDelayTarget: 20, maxDelayTarget: 20, numRetries: 3 } },
  })
})

test('refuses the same name with other attributes or tags, and leaves the topic as it is', async () => {
  await region.sdk().createTopic({ Name: 'same', Attributes: { DisplayName: 'one' } })
  const other = { Name: 'same', Attributes: { DisplayName: 'two' } }
  expect(await refusal(region.sdk().createTopic(other))).toBe('InvalidParameterException')
  const tagged = { Name: 'same', Tags: [{ Key: 'a', Value: '1' }] }
  expect(await refusal(region.sdk().createTopic(tagged))).toBe('InvalidParameterException')
  const { Attributes } = await region.sdk().getTopicAttributes({ TopicArn: topicArn('same') })
  expect(Attributes?.DisplayName).toBe('one')
})

test.each([
  ['no name', { Name: '' }, 'InvalidParameterException'],
  ['a name with a blank', { Name: 'a b' }, 'InvalidParameterException'],
  [
    'a FIFO topic',
    { Name: 'orders.fifo', Attributes: { FifoTopic: 'true' } },
    'UnsupportedOperation',
  ],
  [
    'a key of KMS',
    { Name: 'sealed', Attributes: { KmsMasterKeyId: 'alias/aws/sns' } },
    'UnsupportedOperation',
  ],
  [
    'an attribute that is none',
    { Name: 'odd', Attributes: { Colour: 'red' } },
    'InvalidParameterException',
  ],
  [
    'a policy that is none',
    { Name: 'odd', Attributes: { Policy: '{}' } },
    'InvalidParameterException',
  ],
  [
    'a key of AWS',
    { Name: 'odd', Tags: [{ Key: 'aws:x', Value: '1' }] },
    'InvalidParameterException',
  ],
])('refuses %s, and makes no topic', async (_, input, code) => {
  expect(await refusal(region.sdk().createTopic(input))).toBe(code)
  const read = region.sdk().getTopicAttributes({ TopicArn: topicArn(input.Name || 'x') })
  expect(await refusal(read)).toMatch(/NotFoundException|InvalidParameterException/)
})

test('lists more than a hundred, page by page, and keeps all over a restart', async () => {
  const names = Array.from({ length: 105 }, (_, i) => `many-${String(i).padStart(3, '0')}`)
  for (const Name of names) await region.sdk().createTopic({ Name })
  await region.restart()
  const found: string[] = []
  let NextToken: string | undefined
  do {
    const page = await region.sdk().listTopics({ NextToken })
    expect(page.Topics!.length).toBeLessThanOrEqual(100)
    found.push(...page.Topics!.map(({ TopicArn }) => TopicArn!))
    NextToken = page.NextToken
  } while (NextToken)
  expect(found.filter((arn) => arn.includes(':many-'))).toEqual(names.map(topicArn))
  expect(new Set(found).size).toBe(found.length)
  const wrong = region.sdk().listTopics({ NextToken: 'wrong' })
  expect(await refusal(wrong)).toBe('InvalidParameterException')
})
