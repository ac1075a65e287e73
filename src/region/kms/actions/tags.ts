import type {
  ListResourceTagsCommandInput,
  TagResourceCommandInput,
  UntagResourceCommandInput,
} from '../../protocol/models/kms.ts'
import { checkedTags, checkNotPendingDeletion, pageOf, withinQuota } from '../checks.ts'
import type { Keys } from '../keys.ts'

/** TagResource. Source: KMS API Reference, TagResource. */
export async function tagResource(keys: Keys, input: TagResourceCommandInput) {
  const added = checkedTags(input.Tags)
  const replaced = new Set(added.map(({ TagKey }) => TagKey))
  await keys.change(input.KeyId ?? '', (key) => {
    checkNotPendingDeletion(key)
    const others = key.tags.filter(({ TagKey }) => !replaced.has(TagKey))
    return { ...key, tags: withinQuota([...others, ...added]) }
  })
  return {}
}

/** UntagResource. Source: KMS API Reference, UntagResource. */
export async function untagResource(keys: Keys, input: UntagResourceCommandInput) {
  const removed = new Set(input.TagKeys)
  await keys.change(input.KeyId ?? '', (key) => {
    checkNotPendingDeletion(key)
    return { ...key, tags: key.tags.filter(({ TagKey }) => !removed.has(TagKey)) }
  })
  return {}
}

/** ListResourceTags. Source: KMS API Reference, ListResourceTags. */
export async function listResourceTags(keys: Keys, input: ListResourceTagsCommandInput) {
  const { items, next } = pageOf(keys.getById(input.KeyId ?? '').tags, input)
  return { Tags: items.map((tag) => ({ ...tag })), ...next }
}
