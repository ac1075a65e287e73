import { join } from 'node:path'
import { standbySettings } from '../../postgres/standby/standby.ts'
import type { InstanceRecord } from './instance.ts'
import type { LiveInstance } from './live-instance.ts'
import { withRecoveryMinimums } from './parameters/parameter-values.ts'
import type { Rds } from './rds.ts'
import { type Replica, slotOf } from './replication/replica.ts'

/** How many read replicas must hold a commit before it is acknowledged, by the parameters of a group. */
export function synchronousReplicas(parameters: Readonly<Record<string, string>>): number {
  return Number(parameters['lifeboat.synchronous_replicas'] ?? 0)
}

/** Whether commits of an instance wait for a replica of it. */
export function isAwaited(
  rds: Rds,
  { appliedParameters }: InstanceRecord,
  { region, isSeeded }: Replica,
): boolean {
  return (
    synchronousReplicas(appliedParameters) > 0 && isSeeded === true && region !== rds.names.region
  )
}

/** A record whose server has read other parameters. Who waits for nobody has no successor either. */
export function withParameters(
  { successor, ...record }: InstanceRecord,
  parameters: Readonly<Record<string, string>>,
): InstanceRecord {
  const isSucceeded = successor !== undefined && synchronousReplicas(parameters) > 0
  return { ...record, appliedParameters: parameters, ...(isSucceeded ? { successor } : {}) }
}

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
  if (!replicaOf) return synchronousStandbys(rds, record, parameters)
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
 * Commits wait for replicas in other regions, as one in the same region is lost together with its source. Where there is none
 * nobody is waited for: else nobody could write.
 *
 * Unlike AWS: RDS replicates to read replicas asynchronously only. Here `lifeboat.synchronous_replicas` in the parameter group
 * of the source says how many of its replicas in other regions must have a commit on disk before it is acknowledged; with fewer
 * than that, all of them must. One that is being made does not count, one that is away does: commits wait until it is back, or
 * deleted, or the parameter is 0. Of several the one that has received most has every acknowledged commit. A source that was away
 * when its replica was promoted goes on waiting until the parameter is 0, so that it confirms nothing that its successor does not
 * have. Sessions can do without by `synchronous_commit`. Two answers confirm nothing, as in PostgreSQL: that to a statement whose
 * wait was cancelled, which is a success with a warning, and that to a retry which finds its row there and writes nothing.
 */
function synchronousStandbys(
  rds: Rds,
  record: InstanceRecord,
  parameters: Readonly<Record<string, string>>,
): Record<string, string> {
  const { replicas = [], successor } = record
  const awaited = replicas.filter((replica) => isAwaited(rds, record, replica)).map(slotOf)
  const names = successor === undefined ? awaited : [successor]
  const count = Math.min(synchronousReplicas(parameters), names.length)
  if (count === 0) return {}
  const quoted = names.map((name) => `"${name}"`)
  return { synchronous_standby_names: `ANY ${count} (${quoted.join(', ')})` }
}

/** Makes a running server do what its record says at this moment, as far as that needs no restart. */
export async function reconfigure(rds: Rds, instance: LiveInstance): Promise<void> {
  const { appliedParameters } = instance.record
  const more = await replicationSettings(rds, instance, appliedParameters)
  await instance.server.reconfigure(appliedParameters, more)
  // Sessions wait once the checkpointer has read the settings, which it has when it begins with what it is asked for.
  if (more.synchronous_standby_names) await instance.server.query('checkpoint')
}
