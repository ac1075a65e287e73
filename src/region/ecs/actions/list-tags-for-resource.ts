import type { ListTagsForResourceRequest } from '../../protocol/models/ecs.ts'
import type { Ecs } from '../ecs.ts'
import { getTagged } from '../tagged-resource.ts'

/** ListTagsForResource. Source: ECS API Reference, ListTagsForResource. */
export async function listTagsForResource(ecs: Ecs, input: ListTagsForResourceRequest) {
  return { tags: [...getTagged(ecs, input.resourceArn).tags] }
}
