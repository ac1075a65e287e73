import { jsonIn } from '../../../core/json.ts'
import type {
  BatchResultErrorEntry,
  PublishBatchInput,
  PublishBatchRequestEntry,
  PublishBatchResultEntry,
  PublishInput,
  MessageAttributeValue as WireAttribute,
} from '../../protocol/models/sns.ts'
import { SnsFault } from '../../protocol/models/sns.ts'
import { invalid, unsupported } from '../faults.ts'
import type { Message, MessageAttribute, Subscription } from '../records.ts'
import type { Sns } from '../sns.ts'

const MAX_BYTES = 256 * 1024
const MAX_BATCH = 10
const MAX_SUBJECT = 100

type Texts = Readonly<Partial<Record<Subscription['protocol'], string>>>

/**
 * Publish: a message to all subscriptions of a topic.
 *
 * Unlike AWS: messages go to topics only, not to phones and devices.
 *
 * Source: SNS API Reference, Publish.
 */
export async function publish(sns: Sns, input: PublishInput) {
  if (input.PhoneNumber !== undefined) throw unsupported('A message to a phone')
  const topic = sns.getTopic(input.TopicArn ?? input.TargetArn)
  const { message, texts, sizeBytes } = read(sns, topic.arn, input)
  if (sizeBytes > MAX_BYTES) throw invalid('Message', `Message too long`)
  await sns.publish(message, texts)
  return { MessageId: message.id }
}

/**
 * PublishBatch: up to ten messages, each of which succeeds or fails for itself.
 *
 * Source: SNS API Reference, PublishBatch.
 */
export async function publishBatch(sns: Sns, input: PublishBatchInput) {
  const topic = sns.getTopic(input.TopicArn)
  const entries = input.PublishBatchRequestEntries ?? []
  checkBatch(entries)
  const Successful: PublishBatchResultEntry[] = []
  const Failed: BatchResultErrorEntry[] = []
  const messages: [string, ReturnType<typeof read>][] = []
  for (const entry of entries) {
    try {
      messages.push([entry.Id ?? '', read(sns, topic.arn, entry)])
    } catch (error) {
      if (!(error instanceof SnsFault)) throw error
      const { wireCode: Code, message: Message } = error
      Failed.push({ Id: entry.Id, Code, Message, SenderFault: true })
    }
  }
  if (messages.reduce((sum, [, { sizeBytes }]) => sum + sizeBytes, 0) > MAX_BYTES) {
    throw new SnsFault(
      'BatchRequestTooLongException',
      `The length of all the messages put together is more than ${MAX_BYTES} bytes.`,
    )
  }
  for (const [Id, { message, texts }] of messages) {
    await sns.publish(message, texts)
    Successful.push({ Id, MessageId: message.id })
  }
  return { Successful, Failed }
}

function checkBatch(entries: readonly PublishBatchRequestEntry[]): void {
  if (entries.length === 0) {
    throw new SnsFault('EmptyBatchRequestException', 'The batch request has no entries.')
  }
  if (entries.length > MAX_BATCH) {
    throw new SnsFault(
      'TooManyEntriesInBatchRequestException',
      `The batch request contains more entries than permissible (${MAX_BATCH}).`,
    )
  }
  const ids = entries.map(({ Id = '' }) => Id)
  const wrong = ids.find((id) => !/^[\w-]{1,80}$/.test(id))
  if (wrong !== undefined) {
    throw new SnsFault(
      'InvalidBatchEntryIdException',
      `The id '${wrong}' has others than up to 80 letters, digits, hyphens and underscores.`,
    )
  }
  if (new Set(ids).size < ids.length) {
    throw new SnsFault(
      'BatchEntryIdsNotDistinctException',
      'Two or more batch entries in the request have the same Id.',
    )
  }
}

function read(
  sns: Sns,
  topicArn: string,
  input: PublishInput | PublishBatchRequestEntry,
): { message: Message; texts: Texts; sizeBytes: number } {
  const { Message: text = '', Subject, MessageStructure, MessageAttributes = {} } = input
  if (input.MessageDeduplicationId !== undefined || input.MessageGroupId !== undefined) {
    throw invalid('MessageGroupId', 'It is for FIFO topics, which are not available')
  }
  if (text === '') throw invalid('Message', 'Empty message')
  if (MessageStructure !== undefined && MessageStructure !== 'json') {
    throw invalid('MessageStructure', 'It is json')
  }
  const texts = MessageStructure === 'json' ? readStructure(text) : { default: text }
  const attributes = readAttributes(MessageAttributes)
  const { default: common, ...byProtocol } = texts
  const message = {
    id: sns.newMessageId(),
    topicArn,
    text: common,
    ...(Subject === undefined ? {} : { subject: checkedSubject(Subject) }),
    ...(Object.keys(attributes).length > 0 ? { attributes } : {}),
    publishedAt: sns.now().toISOString(),
  }
  const sizeBytes = Buffer.byteLength(text) + Buffer.byteLength(JSON.stringify(attributes))
  return { message, texts: byProtocol, sizeBytes }
}

function checkedSubject(subject: string): string {
  const isFine = /^[\x21-\x7e][\x20-\x7e]*$/.test(subject) && subject.length <= MAX_SUBJECT
  if (isFine) return subject
  throw invalid(
    'Subject',
    `It has 1 to ${MAX_SUBJECT} ASCII characters, no line breaks, and does not begin with a blank`,
  )
}

/** Another text for each protocol. Those of other protocols have nobody to go to. */
function readStructure(text: string): { default: string } & Texts {
  const wrong = (reason: string) => invalid('Message Structure', reason)
  const parsed = parseObject(text)
  if (!parsed) throw wrong('JSON message body failed to parse')
  const { default: common, http, https } = parsed
  if (typeof common !== 'string') throw wrong('No default entry in JSON message body')
  return {
    default: common,
    ...(typeof http === 'string' ? { http } : {}),
    ...(typeof https === 'string' ? { https } : {}),
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = jsonIn(text)
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Record<string, unknown>) : undefined
}

function readAttributes(
  attributes: Readonly<Record<string, WireAttribute>>,
): Record<string, MessageAttribute> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, readAttribute(name, value)]),
  )
}

/** Source: SNS Developer Guide, "Amazon SNS message attributes". */
function readAttribute(name: string, value: WireAttribute): MessageAttribute {
  const wrong = (reason: string) => invalid(`MessageAttributes.${name}`, reason)
  const { DataType: type = '', StringValue, BinaryValue } = value
  if (!/^(?!\.)(?!.*\.\.)[\w.-]{1,256}(?<!\.)$/.test(name) || /^(aws|amazon)\./i.test(name)) {
    throw wrong('The name has others than letters, digits, hyphens, underscores and single dots')
  }
  if (!/^(String|Number|Binary)(\.[\w.-]{1,248})?$/.test(type)) {
    throw wrong(`The type '${type}' is not String, String.Array, Number or Binary`)
  }
  if (type.startsWith('Binary')) {
    if (!BinaryValue?.length || StringValue !== undefined) throw wrong('It has a BinaryValue')
    return { type, value: Buffer.from(BinaryValue).toString('base64') }
  }
  if (!StringValue || BinaryValue !== undefined) throw wrong('It has a StringValue')
  if (type.startsWith('Number') && !Number.isFinite(Number(StringValue))) {
    throw wrong('Its value is not a number')
  }
  return { type, value: StringValue }
}
