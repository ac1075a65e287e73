import type { UpdateSecretCommandInput } from '../../protocol/models/secrets-manager.ts'
import { checkedToken, checkedValue, isCustomKey, refuseUnsupported } from '../checks.ts'
import { addVersion } from '../new-version.ts'
import type { Secrets } from '../secrets.ts'
import { checkedDescription } from './create-secret.ts'

/**
 * UpdateSecret: the description, or the value as a new current version, or both.
 *
 * Source: Secrets Manager API Reference, UpdateSecret.
 */
export async function updateSecret(secrets: Secrets, input: UpdateSecretCommandInput) {
  const value = checkedValue(input)
  const token = checkedToken(input.ClientRequestToken, secrets)
  const description = checkedDescription(input.Description)
  refuseUnsupported({
    KmsKeyId: isCustomKey(input.KmsKeyId),
    Type: input.Type !== undefined,
  })

  const secret = await secrets.change(input.SecretId ?? '', (before) => {
    const valued = value
      ? addVersion(secrets, before, { token, value, stages: ['AWSCURRENT'] })
      : before
    if (description === undefined && input.KmsKeyId === undefined) return valued
    return {
      ...valued,
      ...(description === undefined ? {} : { description }),
      ...(input.KmsKeyId === undefined ? {} : { kmsKeyId: input.KmsKeyId }),
      changedAt: secrets.now().toISOString(),
    }
  })
  return { ARN: secret.arn, Name: secret.name, ...(value ? { VersionId: token } : {}) }
}
