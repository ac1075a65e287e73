import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { refusal } from '../region-under-test.ts'
import { snsUnderTest, topicArn } from './sns-under-test.ts'

const region = snsUnderTest()

test.each(['1', '2'])(
  'a message arrives signed, with a signature of version %s',
  async (version) => {
    const TopicArn = await region.topic(`signed-${version}`)
    await region.sdk().setTopicAttributes({
      TopicArn,
      AttributeName: 'SignatureVersion',
      AttributeValue: version,
    })
    const arn = await region.subscribed(TopicArn, `/signed-${version}`)
    const { MessageId } = await region.sdk().publish({
      TopicArn,
      Subject: 'A subject',
      Message: 'Ein "Text"\nmit Ümläuten \u{1F6DF}',
      MessageAttributes: { kind: { DataType: 'String', StringValue: 'drill' } },
    })
    const [received] = await region.sink().waitFor(`/signed-${version}`)
    expect(received!.headers).toMatchObject({
      'x-amz-sns-message-type': 'Notification',
      'x-amz-sns-message-id': MessageId,
      'x-amz-sns-topic-arn': TopicArn,
      'x-amz-sns-subscription-arn': arn,
      'content-type': 'text/plain; charset=UTF-8',
      'user-agent': 'Amazon Simple Notification Service Agent',
    })
    const envelope = JSON.parse(received!.body)
    expect(envelope).toMatchObject({
      Type: 'Notification',
      MessageId,
      TopicArn,
      Subject: 'A subject',
      SignatureVersion: version,
      MessageAttributes: { kind: { Type: 'String', Value: 'drill' } },
    })
    expect(envelope.UnsubscribeURL).toContain(`Action=Unsubscribe&SubscriptionArn=${arn}`)
    expect(await region.verifier(TopicArn).verify(received!.body)).toMatchObject({
      kind: 'Notification',
      id: MessageId,
      subject: 'A subject',
      text: 'Ein "Text"\nmit Ümläuten \u{1F6DF}',
    })
  },
)

test('raw, only the message arrives', async () => {
  const TopicArn = await region.topic('raw')
  await region.subscribed(TopicArn, '/raw', { RawMessageDelivery: 'true' })
  await region.sdk().publish({ TopicArn, Message: 'as it is' })
  const [received] = await region.sink().waitFor('/raw')
  expect(received!.body).toBe('as it is')
  expect(received!.headers['x-amz-sns-rawdelivery']).toBe('true')
})

test('HTTP endpoints may get another text', async () => {
  const TopicArn = await region.topic('structured')
  await region.subscribed(TopicArn, '/structured')
  const Message = JSON.stringify({ default: 'to all', http: 'to http', sms: 'short' })
  await region.sdk().publish({ TopicArn, Message, MessageStructure: 'json' })
  expect(await region.sink().message('/structured')).toMatchObject({ Message: 'to http' })
})

test('a filter holds back what it does not ask for', async () => {
  const TopicArn = await region.topic('filtered')
  const FilterPolicy = JSON.stringify({ state: ['ALARM'] })
  await region.subscribed(TopicArn, '/filtered', { FilterPolicy })
  const state = (StringValue: string) => ({ state: { DataType: 'String', StringValue } })
  await region.sdk().publish({ TopicArn, Message: 'one', MessageAttributes: state('OK') })
  await region.sdk().publish({ TopicArn, Message: 'two' })
  await region.sdk().publish({ TopicArn, Message: 'three', MessageAttributes: state('ALARM') })
  expect(await region.sink().message('/filtered')).toMatchObject({ Message: 'three' })
  await region.sdk().publish({ TopicArn, Message: 'four', MessageAttributes: state('ALARM') })
  expect(await region.sink().message('/filtered', 2)).toMatchObject({ Message: 'four' })
})

test('who has not confirmed gets nothing', async () => {
  const TopicArn = await region.topic('unconfirmed')
  const Endpoint = region.sink().url('/unconfirmed')
  await region.sdk().subscribe({ TopicArn, Protocol: 'http', Endpoint })
  await region.sink().waitFor('/unconfirmed')
  await region.subscribed(TopicArn, '/confirmed')
  await region.sdk().publish({ TopicArn, Message: 'only to who wants it' })
  await region.sink().waitFor('/confirmed')
  expect(region.sink().at('/unconfirmed')).toEqual([])
})

test('of a batch each message succeeds or fails for itself', async () => {
  const TopicArn = await region.topic('batch')
  await region.subscribed(TopicArn, '/batch')
  const { Successful, Failed } = await region.sdk().publishBatch({
    TopicArn,
    PublishBatchRequestEntries: [
      { Id: 'a', Message: 'first' },
      { Id: 'b', Message: 'bad subject', Subject: 'two\nlines' },
      { Id: 'c', Message: 'third' },
    ],
  })
  expect(Successful?.map(({ Id }) => Id)).toEqual(['a', 'c'])
  expect(Failed).toMatchObject([{ Id: 'b', Code: 'InvalidParameter', SenderFault: true }])
  const received = await region.sink().waitFor('/batch', 2)
  const messages = received.map(({ body }) => JSON.parse(body))
  expect(messages.map(({ Message }) => Message).sort()).toEqual(['first', 'third'])
  expect(messages.map(({ MessageId }) => MessageId).sort()).toEqual(
    Successful?.map(({ MessageId }) => MessageId).sort(),
  )
})

test('what is measured of it', async () => {
  let counted = {}
  await until('both deliveries have ended', 60_000, async () => {
    counted = await region.metrics('batch')
    return (
      'NumberOfNotificationsDelivered' in counted && counted.NumberOfNotificationsDelivered === 2
    )
  })
  expect(counted).toEqual({ NumberOfMessagesPublished: 2, NumberOfNotificationsDelivered: 2 })
})

describe('refuses, and nothing arrives', () => {
  const MESSAGE = { TopicArn: topicArn('refusals'), Message: 'm' }
  beforeAll(async () => {
    await region.subscribed(await region.topic('refusals'), '/refusals')
  })
  afterEach(async () => {
    await region.sdk().publish({ ...MESSAGE, Message: 'after it' })
    expect(await region.sink().message('/refusals')).toMatchObject({ Message: 'after it' })
    expect(region.sink().at('/refusals')).toHaveLength(1)
    region.sink().received.splice(0)
  })

  const number = { n: { DataType: 'Number', StringValue: 'x' } }
  test.each([
    ['a topic that is not there', { TopicArn: topicArn('absent') }, 'NotFoundException'],
    ['what is no topic', { TopicArn: 'refusals' }, 'InvalidParameterException'],
    ['an empty message', { Message: '' }, 'InvalidParameterException'],
    ['a long subject', { Subject: 'x'.repeat(101) }, 'InvalidParameterException'],
    ['more than 256 KiB', { Message: 'x'.repeat(262_145) }, 'InvalidParameterException'],
    [
      'a structure without a default',
      { Message: '{}', MessageStructure: 'json' },
      'InvalidParameterException',
    ],
    ['a number that is none', { MessageAttributes: number }, 'InvalidParameterException'],
    ['a group of a FIFO topic', { MessageGroupId: 'g' }, 'InvalidParameterException'],
    ['a phone', { PhoneNumber: '+15551234567' }, 'UnsupportedOperation'],
  ])('%s', async (_, input, code) => {
    expect(await refusal(region.sdk().publish({ ...MESSAGE, ...input }))).toBe(code)
  })

  const eleven = Array.from({ length: 11 }, (_, i) => ({ Id: `${i}`, Message: 'm' }))
  const large = ['a', 'b'].map((Id) => ({ Id, Message: 'x'.repeat(140_000) }))
  test.each([
    ['an empty batch', [], 'EmptyBatchRequestException'],
    ['eleven messages', eleven, 'TooManyEntriesInBatchRequestException'],
    ['an id twice', [eleven[0]!, eleven[0]!], 'BatchEntryIdsNotDistinctException'],
    ['an id with a blank', [{ Id: 'a b', Message: 'm' }], 'InvalidBatchEntryIdException'],
    ['256 KiB together', large, 'BatchRequestTooLongException'],
  ])('%s', async (_, PublishBatchRequestEntries, code) => {
    const batch = { TopicArn: MESSAGE.TopicArn, PublishBatchRequestEntries }
    expect(await refusal(region.sdk().publishBatch(batch))).toBe(code)
  })
})
