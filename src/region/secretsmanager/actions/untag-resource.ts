import type { UntagResourceCommandInput } from '../../protocol/models/secrets-manager.ts'
import type { Secrets } from '../secrets.ts'

/**
 * UntagResource: takes tags away by key; a key that is not there is no error.
 *
 * Source: Secrets Manager API Reference, UntagResource.
 */
export async function untagResource(secrets: Secrets, input: UntagResourceCommandInput) {
  const keys = input.TagKeys ?? []
  await secrets.change(input.SecretId ?? '', (secret) => ({
    ...secret,
    tags: secret.tags.filter(({ Key }) => !keys.includes(Key)),
  }))
  return {}
}
