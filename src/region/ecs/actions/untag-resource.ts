import type { UntagResourceRequest } from '../../protocol/models/ecs.ts'
import type { Ecs } from '../ecs.ts'
import { getTagged } from '../tagged-resource.ts'

/** UntagResource: a key that is not there is no error. Source: ECS API Reference, UntagResource. */
export async function untagResource(ecs: Ecs, input: UntagResourceRequest) {
  const keys = input.tagKeys ?? []
  await getTagged(ecs, input.resourceArn).change((tags) =>
    tags.filter(({ key }) => !keys.includes(key)),
  )
  return {}
}
