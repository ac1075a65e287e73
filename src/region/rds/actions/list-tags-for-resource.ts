import type { ListTagsForResourceMessage } from '../../protocol/models/rds.ts'
import { passes } from '../filters.ts'
import type { Rds } from '../rds.ts'
import { taggedResource } from '../tagged-resource.ts'

/** ListTagsForResource. Source: Amazon RDS API Reference, ListTagsForResource. */
export async function listTagsForResource(rds: Rds, input: ListTagsForResourceMessage) {
  passes(input.Filters, {})
  return { TagList: [...taggedResource(rds, input.ResourceName).tags] }
}
