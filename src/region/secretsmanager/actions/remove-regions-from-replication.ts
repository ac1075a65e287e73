import type { RemoveRegionsFromReplicationCommandInput } from '../../protocol/models/secrets-manager.ts'
import { invalidParameter } from '../checks.ts'
import type { Removals } from '../replication/removals.ts'
import { checkRegions, replicationStatus, withLinks } from '../replication/replica-links.ts'
import type { Secrets } from '../secrets.ts'

/**
 * RemoveRegionsFromReplication: deletes replicas, each as soon as its region is there.
 *
 * Source: Secrets Manager API Reference, RemoveRegionsFromReplication.
 */
export async function removeRegionsFromReplication(
  { secrets, removals }: { secrets: Secrets; removals: Removals },
  input: RemoveRegionsFromReplicationCommandInput,
) {
  const regions = input.RemoveReplicaRegions ?? []
  if (regions.length === 0) throw invalidParameter('You must provide RemoveReplicaRegions.')
  checkRegions(secrets.region, regions)
  const secret = await secrets.change(
    input.SecretId ?? '',
    (before) => {
      const left = (before.replicas ?? []).filter(({ region }) => !regions.includes(region))
      return left.length === before.replicas?.length ? before : withLinks(before, left)
    },
    async (before) => {
      const linked = (before.replicas ?? []).map(({ region }) => region)
      await removals.add(
        before,
        regions.filter((region) => linked.includes(region)),
      )
    },
  )
  return { ARN: secret.arn, ReplicationStatus: replicationStatus(secret) }
}
