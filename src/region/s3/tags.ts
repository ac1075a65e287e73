import { Fault } from '../protocol/fault.ts'
import { parseForm } from '../protocol/form.ts'
import { S3Fault } from './faults.ts'

interface Tag {
  readonly Key: string | undefined
  readonly Value: string | undefined
}

/** Source: S3 User Guide, "Object tags" and "Bucket tags". */
const MAX_TAGS = { object: 10, bucket: 50 }
const MAX_KEY_LENGTH = 128
const MAX_VALUE_LENGTH = 256

/** The tags of an `x-amz-tagging` header, which is a query string. @throws S3Fault `InvalidArgument`, `InvalidTag` */
export function tagsOfHeader(text: string | undefined): Record<string, string> {
  if (text === undefined || text === '') return {}
  try {
    const tags = [...parseForm(text)].map(([Key, Value]) => ({ Key, Value }))
    return checkedTags(tags, 'object')
  } catch (error) {
    if (!(error instanceof Fault) || error instanceof S3Fault) throw error
    const message =
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates."
    throw new S3Fault('InvalidArgument', message, { elements: { ArgumentName: 'x-amz-tagging' } })
  }
}

/** @throws S3Fault `InvalidTag`, `BadRequest` */
export function checkedTags(
  tags: readonly Tag[],
  kind: keyof typeof MAX_TAGS,
): Record<string, string> {
  if (tags.length > MAX_TAGS[kind]) {
    const subject = kind === 'object' ? 'Object' : 'Bucket'
    const message = `${subject} tags cannot be greater than ${MAX_TAGS[kind]}`
    throw new S3Fault(kind === 'object' ? 'BadRequest' : 'InvalidTag', message)
  }
  const checked = new Map<string, string>()
  for (const { Key = '', Value = '' } of tags) {
    if (Key === '' || [...Key].length > MAX_KEY_LENGTH || !isText(Key)) {
      throw invalidTag('The TagKey you have provided is invalid', Key)
    }
    if ([...Value].length > MAX_VALUE_LENGTH || !isText(Value)) {
      throw invalidTag('The TagValue you have provided is invalid', Key)
    }
    if (checked.has(Key)) throw invalidTag('Cannot provide multiple Tags with the same key', Key)
    if (/^aws:/i.test(Key))
      throw invalidTag('System tags cannot be added/updated by requester', Key)
    checked.set(Key, Value)
  }
  return Object.fromEntries(checked)
}

/** By key, whatever the order in which they were given. */
export function tagSet(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([Key, Value]) => ({ Key, Value }))
}

function isText(text: string): boolean {
  return /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(text)
}

function invalidTag(message: string, key: string) {
  return new S3Fault('InvalidTag', message, { elements: { TagKey: key } })
}
