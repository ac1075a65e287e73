import { SnsFault } from '../protocol/models/sns.ts'
import { invalid, unsupported } from './faults.ts'
import type { Tag } from './records.ts'

const MAX_TAGS = 50

/** @throws SnsFault `InvalidParameterException`, `TagLimitExceededException` */
export function checkedTags(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[],
): Tag[] {
  const checked = tags.map(({ Key = '', Value = '' }): Tag => {
    if (Key === '' || Key.length > 128 || Value.length > 256 || /^aws:/i.test(Key)) {
      throw invalid(
        'Tags',
        'A key has 1 to 128 characters, without the prefix aws:, and a value at most 256',
      )
    }
    return { Key, Value }
  })
  if (new Set(checked.map(({ Key }) => Key)).size < checked.length) {
    throw invalid('Tags', 'No two tags have the same key')
  }
  if (checked.length > MAX_TAGS) {
    throw new SnsFault('TagLimitExceededException', `A topic has at most ${MAX_TAGS} tags.`)
  }
  return checked
}

/** @throws SnsFault `InvalidParameterException` */
export function checkedBoolean(attribute: string, value: string): boolean {
  const lower = value.toLowerCase()
  if (lower === 'true' || lower === 'false') return lower === 'true'
  throw invalid(attribute, 'It is true or false')
}

/** Attributes that an embedded region could only pretend to honour. */
const UNSUPPORTED_ATTRIBUTES =
  /^(ArchivePolicy|ContentBasedDeduplication|DataProtectionPolicy|FifoThroughputScope|FifoTopic|KmsMasterKeyId|MaximumMessageSize|RedrivePolicy|ReplayPolicy|SubscriptionRoleArn|(HTTP|Firehose|Lambda|Application|SQS)(Success|Failure)Feedback\w+)$/

/** What asks for nothing, as clients say it that send every attribute. */
const NOTHING = ['', '0', 'false']

/**
 * Refuses an attribute that is not available, unless it is one of AWS and asks for nothing.
 *
 * @throws SnsFault `UnsupportedOperation`, or `InvalidParameterException` for one that AWS does not know either
 */
export function refuseAttribute(name: string | undefined, value: string): void {
  const isKnown = UNSUPPORTED_ATTRIBUTES.test(name ?? '')
  if (isKnown && NOTHING.includes(value)) return
  throw isKnown
    ? unsupported(`The attribute ${name}`)
    : invalid('AttributeName', `'${name ?? ''}' is not known`)
}
