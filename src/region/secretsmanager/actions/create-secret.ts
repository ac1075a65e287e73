import {
  type CreateSecretCommandInput,
  SecretsManagerFault,
} from '../../protocol/models/secrets-manager.ts'
import {
  checkedTags,
  checkedToken,
  checkedValue,
  invalidParameter,
  isCustomKey,
  refuseUnsupported,
} from '../checks.ts'
import { addVersion } from '../new-version.ts'
import { checkedReplicas, replicationStatus } from '../replication/replica-links.ts'
import type { Secret } from '../secret.ts'
import type { Secrets } from '../secrets.ts'

/**
 * CreateSecret: a secret, with its first version when a value is given.
 *
 * Source: Secrets Manager API Reference, CreateSecret.
 */
export async function createSecret(secrets: Secrets, input: CreateSecretCommandInput) {
  const name = checkedName(input.Name)
  const value = checkedValue(input)
  const token = checkedToken(input.ClientRequestToken, secrets)
  const tags = checkedTags(input.Tags ?? [])
  const description = checkedDescription(input.Description)
  const replicas = checkedReplicas(secrets, input)
  refuseUnsupported({
    KmsKeyId: isCustomKey(input.KmsKeyId),
    Type: input.Type !== undefined,
  })

  const secret = await secrets.create(name, (existing) => {
    if (existing) {
      const version = existing.versions.find(({ id }) => id === token)
      const isRepeated = value && version && !existing.deletedAt
      if (isRepeated && secrets.isValue(existing, version, value)) return existing
      throw alreadyThere(existing)
    }
    const now = secrets.now().toISOString()
    const made: Secret = {
      name,
      arn: secrets.newArn(name),
      ...(description === undefined ? {} : { description }),
      ...(input.KmsKeyId === undefined ? {} : { kmsKeyId: input.KmsKeyId }),
      tags,
      createdAt: now,
      changedAt: now,
      versions: [],
      ...(replicas.length > 0 ? { replicas } : {}),
    }
    return value ? addVersion(secrets, made, { token, value, stages: ['AWSCURRENT'] }) : made
  })
  const ReplicationStatus = replicationStatus(secret)
  return {
    ARN: secret.arn,
    Name: secret.name,
    ...(value ? { VersionId: token } : {}),
    ...(ReplicationStatus.length > 0 ? { ReplicationStatus } : {}),
  }
}

export function checkedDescription(description: string | undefined): string | undefined {
  if (description !== undefined && description.length > 2048) {
    throw invalidParameter('Description has at most 2048 characters.')
  }
  return description
}

function checkedName(name: string | undefined): string {
  if (!name || !/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name)) {
    throw new SecretsManagerFault(
      'ValidationException',
      'Invalid name. Must be a valid name containing alphanumeric characters, ' +
        'or any of the following: -/_+=.@!',
    )
  }
  return name
}

function alreadyThere(existing: Secret) {
  return existing.deletedAt
    ? new SecretsManagerFault(
        'InvalidRequestException',
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
      )
    : new SecretsManagerFault(
        'ResourceExistsException',
        `The operation failed because the secret ${existing.name} already exists.`,
      )
}
