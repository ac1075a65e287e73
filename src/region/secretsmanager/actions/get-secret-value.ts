import {
  type GetSecretValueCommandInput,
  SecretsManagerFault,
} from '../../protocol/models/secrets-manager.ts'
import type { Secret, SecretVersion } from '../secret.ts'
import type { Secrets } from '../secrets.ts'

/**
 * GetSecretValue: the value of the current version, or of the one named by id or staging label.
 *
 * Source: Secrets Manager API Reference, GetSecretValue.
 */
export async function getSecretValue(secrets: Secrets, input: GetSecretValueCommandInput) {
  const found = secrets.getLive(input.SecretId ?? '')
  const version = findVersion(found, input)
  const value = secrets.unseal(found, version)
  await touch(secrets, found)
  return {
    ARN: found.arn,
    Name: found.name,
    VersionId: version.id,
    VersionStages: [...version.stages],
    CreatedDate: new Date(version.createdAt),
    ...value,
  }
}

function findVersion(secret: Secret, input: GetSecretValueCommandInput): SecretVersion {
  const { VersionId: id, VersionStage: stage } = input
  const byId = secret.versions.find((version) => version.id === id)
  if (id !== undefined && !byId) throw notFound(`VersionId: ${id}`)
  if (byId && stage !== undefined && !byId.stages.includes(stage)) {
    throw new SecretsManagerFault(
      'InvalidRequestException',
      'You provided a VersionStage that is not associated to the provided VersionId.',
    )
  }
  const label = stage ?? 'AWSCURRENT'
  const found = byId ?? secret.versions.find(({ stages }) => stages.includes(label))
  if (!found) throw notFound(`staging label: ${label}`)
  return found
}

/** Notes the day of the last access, once a day. */
async function touch(secrets: Secrets, { arn, accessedAt }: Secret): Promise<void> {
  const today = `${secrets.now().toISOString().slice(0, 10)}T00:00:00.000Z`
  if (accessedAt === today) return
  await secrets.note(arn, (secret) => ({ ...secret, accessedAt: today }))
}

function notFound(what: string) {
  return new SecretsManagerFault(
    'ResourceNotFoundException',
    `Secrets Manager can't find the specified secret value for ${what}`,
  )
}
