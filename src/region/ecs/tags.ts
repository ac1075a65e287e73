import type { Tag as WireTag } from '../protocol/models/ecs.ts'
import { invalidParameter } from './checks.ts'

export interface Tag {
  readonly key: string
  readonly value: string
}

const MAX_TAGS = 50

/** @throws EcsFault `InvalidParameterException`. Source: ECS API Reference, Tag. */
export function checkedTags(tags: readonly WireTag[] | undefined): Tag[] {
  const checked = (tags ?? []).map(({ key = '', value = '' }): Tag => {
    const isKey = /^[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$/u.test(key)
    const isValue = /^[\p{L}\p{Z}\p{N}_.:/=+@-]{0,256}$/u.test(value)
    if (isKey && isValue && !/^aws:/i.test(key)) return { key, value }
    throw invalidParameter(
      `The tag '${key}' is not valid: a key has 1 to 128 characters, without the prefix aws:, and a value at most 256.`,
    )
  })
  if (new Set(checked.map(({ key }) => key)).size < checked.length) {
    throw invalidParameter('Duplicate tag keys found.')
  }
  return withinQuota(checked)
}

/** The tags with others put over them. @throws EcsFault `InvalidParameterException` beyond 50 */
export function withTags(tags: readonly Tag[], added: readonly Tag[]): Tag[] {
  const replaced = new Set(added.map(({ key }) => key))
  return withinQuota([...tags.filter(({ key }) => !replaced.has(key)), ...added])
}

function withinQuota(tags: Tag[]): Tag[] {
  if (tags.length > MAX_TAGS) throw invalidParameter(`A resource has at most ${MAX_TAGS} tags.`)
  return tags
}
