import type { DescribeSecretCommandInput } from '../../protocol/models/secrets-manager.ts'
import { primaryRegionOf, replicationStatus } from '../replication/replica-links.ts'
import type { Secret } from '../secret.ts'
import type { Secrets } from '../secrets.ts'

/**
 * DescribeSecret: everything about a secret but its value; also while its deletion is scheduled.
 *
 * Source: Secrets Manager API Reference, DescribeSecret.
 */
export async function describeSecret(secrets: Secrets, input: DescribeSecretCommandInput) {
  const secret = secrets.get(input.SecretId ?? '')
  const { gonePast } = secret
  const replicas = replicationStatus(secret)
  return {
    ...described(secret),
    ...(replicas.length > 0 ? { ReplicationStatus: replicas } : {}),
    ...(gonePast ? { DeletedDate: new Date(gonePast) } : {}),
    VersionIdsToStages: stagesByVersion(secret),
  }
}

/** What DescribeSecret and ListSecrets tell alike. */
export function described(secret: Secret) {
  const primaryRegion = primaryRegionOf(secret)
  return {
    ARN: secret.arn,
    Name: secret.name,
    ...(secret.description === undefined ? {} : { Description: secret.description }),
    ...(secret.kmsKeyId === undefined ? {} : { KmsKeyId: secret.kmsKeyId }),
    ...(primaryRegion === undefined ? {} : { PrimaryRegion: primaryRegion }),
    Tags: [...secret.tags],
    CreatedDate: new Date(secret.createdAt),
    LastChangedDate: new Date(secret.changedAt),
    ...(secret.accessedAt ? { LastAccessedDate: new Date(secret.accessedAt) } : {}),
  }
}

/** Deprecated versions, those without a label, are left out. */
export function stagesByVersion(secret: Secret): Record<string, string[]> {
  const labelled = secret.versions.filter(({ stages }) => stages.length > 0)
  return Object.fromEntries(labelled.map(({ id, stages }) => [id, [...stages]]))
}
