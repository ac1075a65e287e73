import type { StopReplicationToReplicaCommandInput } from '../../protocol/models/secrets-manager.ts'
import { invalidParameter } from '../checks.ts'
import type { Secrets } from '../secrets.ts'

/**
 * StopReplicationToReplica: makes a replica a primary secret of its own. Called in the replica's region; it needs no other one.
 *
 * The former primary no longer lists it once it has been told.
 * Source: Secrets Manager API Reference, StopReplicationToReplica.
 */
export async function stopReplicationToReplica(
  secrets: Secrets,
  input: StopReplicationToReplicaCommandInput,
) {
  const secret = await secrets.note(input.SecretId ?? '', (before) => {
    const { primary, ...rest } = before
    if (!primary) throw invalidParameter("You can't stop replication: the secret is not a replica.")
    return { ...rest, promotedFrom: primary, changedAt: secrets.now().toISOString() }
  })
  return { ARN: secret.arn }
}
