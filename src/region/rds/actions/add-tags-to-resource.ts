import type { AddTagsToResourceMessage } from '../../protocol/models/rds.ts'
import type { Rds } from '../rds.ts'
import { taggedResource } from '../tagged-resource.ts'
import { checkedTags, withTags } from '../tags.ts'

/** AddTagsToResource: a key that is there already gets the new value. Source: API Reference, AddTagsToResource. */
export async function addTagsToResource(rds: Rds, input: AddTagsToResourceMessage) {
  const resource = taggedResource(rds, input.ResourceName)
  const added = checkedTags(input.Tags)
  withTags(resource.tags, added)
  await resource.change((tags) => withTags(tags, added))
  return {}
}
