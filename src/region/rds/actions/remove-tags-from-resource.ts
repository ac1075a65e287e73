import type { RemoveTagsFromResourceMessage } from '../../protocol/models/rds.ts'
import type { Rds } from '../rds.ts'
import { taggedResource } from '../tagged-resource.ts'

/** RemoveTagsFromResource. Source: Amazon RDS API Reference, RemoveTagsFromResource. */
export async function removeTagsFromResource(rds: Rds, input: RemoveTagsFromResourceMessage) {
  const removed = new Set(input.TagKeys ?? [])
  const resource = taggedResource(rds, input.ResourceName)
  await resource.change((tags) => tags.filter(({ Key }) => !removed.has(Key)))
  return {}
}
