import type { TagResourceRequest } from '../../protocol/models/ecs.ts'
import type { Ecs } from '../ecs.ts'
import { getTagged } from '../tagged-resource.ts'
import { checkedTags, withTags } from '../tags.ts'

/** TagResource: a key that is there already gets the value given. Source: ECS API Reference, TagResource. */
export async function tagResource(ecs: Ecs, input: TagResourceRequest) {
  const added = checkedTags(input.tags)
  await getTagged(ecs, input.resourceArn).change((tags) => withTags(tags, added))
  return {}
}
