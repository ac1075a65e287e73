import type { Tag as WireTag } from '../protocol/models/rds.ts'
import { invalidValue } from './faults.ts'

export interface Tag {
  readonly Key: string
  readonly Value: string
}

const MAX_TAGS = 50
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

/** @throws RdsFault `InvalidParameterValue`. Source: RDS API Reference, Tag. */
export function checkedTags(tags: readonly WireTag[] | undefined): Tag[] {
  const checked = (tags ?? []).map(({ Key = '', Value = '' }): Tag => {
    if (Key.length < 1 || Key.length > 128 || Value.length > 256) {
      throw invalidValue('A tag key has 1 to 128 characters, and a tag value at most 256.')
    }
    if (/^(aws|rds):/i.test(Key)) {
      throw invalidValue(`The tag key '${Key}' begins with a prefix that is reserved.`)
    }
    if (!ALLOWED.test(Key) || !ALLOWED.test(Value)) {
      throw invalidValue(`The tag '${Key}' has characters that are not allowed.`)
    }
    return { Key, Value }
  })
  if (new Set(checked.map(({ Key }) => Key)).size < checked.length) {
    throw invalidValue('Duplicate tag keys found.')
  }
  return withinQuota(checked)
}

/** The tags with others put over them. @throws RdsFault `InvalidParameterValue` beyond 50 */
export function withTags(tags: readonly Tag[], added: readonly Tag[]): Tag[] {
  const replaced = new Set(added.map(({ Key }) => Key))
  return withinQuota([...tags.filter(({ Key }) => !replaced.has(Key)), ...added])
}

function withinQuota(tags: Tag[]): Tag[] {
  if (tags.length > MAX_TAGS) throw invalidValue(`A resource has at most ${MAX_TAGS} tags.`)
  return tags
}
