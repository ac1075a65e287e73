import { expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { snsUnderTest, topicArn } from './sns-under-test.ts'

const region = snsUnderTest()

async function attribute(TopicArn: string, name: string) {
  return (await region.sdk().getTopicAttributes({ TopicArn })).Attributes?.[name]
}

test('an attribute is set and is told, until it is empty', async () => {
  const TopicArn = await region.topic('attributes')
  const set = (AttributeName: string, AttributeValue: string) =>
    region.sdk().setTopicAttributes({ TopicArn, AttributeName, AttributeValue })
  await set('DisplayName', 'Alarms')
  await set('SignatureVersion', '2')
  const policy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Action: 'sns:Publish',
        Resource: TopicArn,
      },
    ],
  })
  await set('Policy', policy)
  const deliveryPolicy = JSON.stringify({ http: { defaultHealthyRetryPolicy: { numRetries: 1 } } })
  await set('DeliveryPolicy', deliveryPolicy)
  await region.restart()
  expect(await attribute(TopicArn, 'DisplayName')).toBe('Alarms')
  expect(await attribute(TopicArn, 'SignatureVersion')).toBe('2')
  expect(await attribute(TopicArn, 'Policy')).toBe(policy)
  expect(await attribute(TopicArn, 'DeliveryPolicy')).toBe(deliveryPolicy)
  expect(JSON.parse((await attribute(TopicArn, 'EffectiveDeliveryPolicy'))!)).toMatchObject({
    http: { defaultHealthyRetryPolicy: { numRetries: 1, minDelayTarget: 20 } },
  })
  await region.sdk().setTopicAttributes({ TopicArn, AttributeName: 'Policy', AttributeValue: '' })
  expect(await attribute(TopicArn, 'Policy')).toContain('__default_policy_ID')
})

test.each([
  ['a version of signatures', 'SignatureVersion', '3', 'InvalidParameterException'],
  ['a policy', 'Policy', '{"Statement":[]}', 'InvalidParameterException'],
  ['a delivery policy', 'DeliveryPolicy', '{"http":{"x":1}}', 'InvalidParameterException'],
  ['an attribute', 'Colour', 'red', 'InvalidParameterException'],
  [
    'a role for CloudWatch Logs',
    'HTTPFailureFeedbackRoleArn',
    'arn:aws:iam::000000000000:role/r',
    'UnsupportedOperation',
  ],
  ['active tracing', 'TracingConfig', 'Active', 'UnsupportedOperation'],
])('refuses %s, and changes nothing', async (_, AttributeName, AttributeValue, code) => {
  const TopicArn = await region.topic('unchanged')
  const before = await region.sdk().getTopicAttributes({ TopicArn })
  const set = region.sdk().setTopicAttributes({ TopicArn, AttributeName, AttributeValue })
  expect(await refusal(set)).toBe(code)
  const { Attributes } = await region.sdk().getTopicAttributes({ TopicArn })
  expect(Attributes).toEqual(before.Attributes)
})

test('a topic is deleted with its subscriptions, and deleting it again is no error', async () => {
  const TopicArn = await region.topic('gone')
  const SubscriptionArn = await region.subscribed(TopicArn, '/gone')
  await region.sdk().deleteTopic({ TopicArn })
  await region.sdk().deleteTopic({ TopicArn })
  expect(await refusal(region.sdk().getTopicAttributes({ TopicArn }))).toBe('NotFoundException')
  const read = region.sdk().getSubscriptionAttributes({ SubscriptionArn })
  expect(await refusal(read)).toBe('NotFoundException')
  expect(await refusal(region.sdk().publish({ TopicArn, Message: 'm' }))).toBe('NotFoundException')
})

test('tags are added, replaced and taken away', async () => {
  const ResourceArn = await region.topic('tagged')
  const Tags = [
    { Key: 'a', Value: '1' },
    { Key: 'b', Value: '2' },
  ]
  await region.sdk().tagResource({ ResourceArn, Tags })
  await region.sdk().tagResource({ ResourceArn, Tags: [{ Key: 'a', Value: '3' }] })
  await region.sdk().untagResource({ ResourceArn, TagKeys: ['b', 'absent'] })
  expect(await region.sdk().listTagsForResource({ ResourceArn })).toMatchObject({
    Tags: [{ Key: 'a', Value: '3' }],
  })
  const absent = { ResourceArn: topicArn('absent') }
  expect(await refusal(region.sdk().listTagsForResource(absent))).toBe('ResourceNotFoundException')
  expect(await refusal(region.sdk().tagResource({ ...absent, Tags }))).toBe(
    'ResourceNotFoundException',
  )
  const many = Array.from({ length: 51 }, (_, i) => ({ Key: `k${i}`, Value: '' }))
  expect(await refusal(region.sdk().tagResource({ ResourceArn, Tags: many }))).toBe(
    'TagLimitExceededException',
  )
  expect((await region.sdk().listTagsForResource({ ResourceArn })).Tags).toHaveLength(1)
})

test('what an embedded region does not have is refused', async () => {
  const permission = {
    ...{ TopicArn: topicArn('tagged'), Label: 'l' },
    ...{ AWSAccountId: ['111111111111'], ActionName: ['Publish'] },
  }
  expect(await refusal(region.sdk().addPermission(permission))).toBe('UnsupportedOperation')
  expect(await refusal(region.sdk().listPlatformApplications({}))).toBe('UnsupportedOperation')
})
