import { join } from 'node:path'
import { standbySettings } from '../../postgres/standby/standby.ts'
import type { InstanceRecord } from './instance.ts'
import type { LiveInstance } from './live-instance.ts'
import { withRecoveryMinimums } from './parameters/parameter-values.ts'
import type { Rds } from './rds.ts'
import { slotOf } from './replication/replica.ts'

/** The parameter that says how many read replicas must hold a commit before it is acknowledged. */
export const SYNCHRONOUS_REPLICAS = 'lifeboat.synchronous_replicas'

/**
 * What a server runs with beside the parameters of its group: whom it follows, or who must have its commits.
 *
 * A standby has at least the room of its primary, whatever its own group says, as else it could not replay.
 */
export async function replicationSettings(
  rds: Rds,
  { record, server }: LiveInstance,
  parameters: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const { replicaOf } = record
  if (!replicaOf) return synchronousStandbys(record, parameters)
  const { primary, slot, region } = replicaOf
  const minimums = withRecoveryMinimums(record.recoveryMinimums, parameters)
  const room = Object.entries(minimums).map(([name, value]) => [name, String(value)] as const)
  if (!primary) return Object.fromEntries(room)
  const { sealedPassword, ...place } = primary
  const password = rds.key.password(sealedPassword)
  const port = await rds.peer.portTo(region, place.port)
  const following = await standbySettings(
    { ...place, port, password, slot },
    join(server.folder, 'primary.pgpass'),
  )
  return { ...Object.fromEntries(room), ...following }
}

/**
 * Without a replica nobody is waited for: else nobody could write. With fewer than asked for all of them are.
 *
 * Unlike AWS: RDS replicates to read replicas asynchronously only.
 */
function synchronousStandbys(
  { replicas = [] }: InstanceRecord,
  parameters: Readonly<Record<string, string>>,
): Record<string, string> {
  const wanted = Math.min(Number(parameters[SYNCHRONOUS_REPLICAS] ?? 0), replicas.length)
  if (wanted === 0) return {}
  const names = replicas.map((replica) => `"${slotOf(replica)}"`)
  return { synchronous_standby_names: `ANY ${wanted} (${names.join(', ')})` }
}

/** Makes a running server do what its record says at this moment, as far as that needs no restart. */
export async function reconfigure(rds: Rds, instance: LiveInstance): Promise<void> {
  const { appliedParameters } = instance.record
  const more = await replicationSettings(rds, instance, appliedParameters)
  await instance.server.reconfigure(appliedParameters, more)
}
