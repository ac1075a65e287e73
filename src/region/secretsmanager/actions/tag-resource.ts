import type { TagResourceCommandInput } from '../../protocol/models/secrets-manager.ts'
import { checkedTags } from '../checks.ts'
import type { Secrets } from '../secrets.ts'

/**
 * TagResource: adds tags; a key that is there already gets the value given.
 *
 * Source: Secrets Manager API Reference, TagResource.
 */
export async function tagResource(secrets: Secrets, input: TagResourceCommandInput) {
  const added = checkedTags(input.Tags ?? [])
  await secrets.change(input.SecretId ?? '', (secret) => {
    const kept = secret.tags.filter(({ Key }) => !added.some((tag) => tag.Key === Key))
    return { ...secret, tags: checkedTags([...kept, ...added]) }
  })
  return {}
}
