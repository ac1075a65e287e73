import type { ReplicateSecretToRegionsCommandInput } from '../../protocol/models/secrets-manager.ts'
import { invalidParameter } from '../checks.ts'
import { checkedReplicas, replicationStatus, withLinks } from '../replication/replica-links.ts'
import type { Secrets } from '../secrets.ts'

/**
 * ReplicateSecretToRegions: copies of a secret in other regions, which follow it. For a region where that has failed it is tried
 * again.
 *
 * Source: Secrets Manager API Reference, ReplicateSecretToRegions.
 */
export async function replicateSecretToRegions(
  secrets: Secrets,
  input: ReplicateSecretToRegionsCommandInput,
) {
  const added = checkedReplicas(secrets, input)
  if (added.length === 0) throw invalidParameter('You must provide AddReplicaRegions.')
  const secret = await secrets.change(input.SecretId ?? '', (before) => {
    const kept = (before.replicas ?? []).filter(
      ({ region }) => !added.some((link) => link.region === region),
    )
    return withLinks(before, [...kept, ...added])
  })
  return { ARN: secret.arn, ReplicationStatus: replicationStatus(secret) }
}
