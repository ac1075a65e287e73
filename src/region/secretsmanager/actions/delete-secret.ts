import {
  type DeleteSecretCommandInput,
  SecretsManagerFault,
} from '../../protocol/models/secrets-manager.ts'
import { invalidParameter } from '../checks.ts'
import type { Secret } from '../secret.ts'
import type { Secrets } from '../secrets.ts'

const DAY_MS = 86_400_000
const DEFAULT_WINDOW_DAYS = 30

/**
 * DeleteSecret: schedules the deletion after a recovery window, or deletes at once when forced.
 *
 * Source: Secrets Manager API Reference, DeleteSecret.
 */
export async function deleteSecret(secrets: Secrets, input: DeleteSecretCommandInput) {
  const { SecretId: id = '', RecoveryWindowInDays: days } = input
  if (input.ForceDeleteWithoutRecovery) {
    if (days !== undefined) {
      throw invalidParameter(
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
      )
    }
    return await deleteAtOnce(secrets, id)
  }
  if (days !== undefined && (!Number.isInteger(days) || days < 7 || days > 30)) {
    throw invalidParameter(
      'The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).',
    )
  }
  const secret = await secrets.changeDeleted(id, (before) => {
    refuseReplicated(before)
    if (before.deletedAt) {
      throw new SecretsManagerFault(
        'InvalidRequestException',
        "You can't perform this operation on the secret because it was already scheduled for deletion.",
      )
    }
    const now = secrets.now()
    const gonePast = new Date(now.getTime() + (days ?? DEFAULT_WINDOW_DAYS) * DAY_MS)
    return { ...before, deletedAt: now.toISOString(), gonePast: gonePast.toISOString() }
  })
  return {
    ARN: secret.arn,
    Name: secret.name,
    DeletionDate: new Date(secret.gonePast ?? secrets.now()),
  }
}

/** As on AWS, forcing the deletion of a secret that does not exist succeeds. */
async function deleteAtOnce(secrets: Secrets, id: string) {
  const secret = await secrets.remove(id, refuseReplicated)
  return {
    ARN: secret?.arn ?? (id.startsWith('arn:') ? id : secrets.newArn(id)),
    Name: secret?.name ?? id,
    DeletionDate: secrets.now(),
  }
}

/** Source: Secrets Manager API Reference, DeleteSecret: replicas are to be removed first. */
function refuseReplicated({ arn, replicas = [] }: Secret): void {
  if (replicas.length === 0) return
  const regions = replicas.map(({ region }) => region).join(', ')
  throw invalidParameter(
    `You can't delete secret ${arn} that still has replica regions [${regions}].`,
  )
}
