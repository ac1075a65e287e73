import type { RestoreSecretCommandInput } from '../../protocol/models/secrets-manager.ts'
import type { Secrets } from '../secrets.ts'

/**
 * RestoreSecret: cancels a scheduled deletion.
 *
 * Source: Secrets Manager API Reference, RestoreSecret.
 */
export async function restoreSecret(secrets: Secrets, input: RestoreSecretCommandInput) {
  const secret = await secrets.changeDeleted(input.SecretId ?? '', (before) => {
    if (!before.deletedAt) return before
    const { deletedAt: _, gonePast: __, ...kept } = before
    return kept
  })
  return { ARN: secret.arn, Name: secret.name }
}
