import { LifeboatError } from '../../../core/errors.ts'
import type { LiveInstance } from '../live-instance.ts'
import type { Rds } from '../rds.ts'
import type { Replica } from './replica.ts'
import type { Admission, Dismissal } from './source.ts'

/** A source that is asked for its own good must answer soon. */
const SILENCE_MS = 10_000

/** Asks the source of a replica about it. @throws as `Peer.ask` */
export async function askSource<Output extends object>(
  rds: Rds,
  { record }: LiveInstance,
  operation: string,
  input: object,
  signal?: AbortSignal,
): Promise<Output> {
  const { replicaOf: source, resourceId, identifier } = record
  const { region } = rds.names
  const replica: Replica = { arn: rds.names.arn('db', identifier), region, resourceId }
  const { output } = await rds.peer.ask<Output>({
    region: source?.region ?? region,
    operation,
    input: { source: source?.resourceId, replica, ...input },
    silenceMs: SILENCE_MS,
    ...(signal ? { signal } : {}),
  })
  return output
}

/**
 * Has the source admit a replica, and keeps where it streams from. Safe to ask again.
 *
 * @throws as `Peer.ask`; RdsFault `InvalidDBInstanceStateFault` while the source does not run
 */
export async function admitted(
  rds: Rds,
  instance: LiveInstance,
  { isFresh, signal }: { isFresh: boolean; signal?: AbortSignal },
): Promise<Admission> {
  const admission = await askSource<Admission>(rds, instance, 'AdmitReplica', { isFresh }, signal)
  const { password, recoveryMinimums: _, ...place } = admission
  const sealedPassword = rds.key.sealPassword(password)
  await instance.change((record) =>
    record.replicaOf
      ? { ...record, replicaOf: { ...record.replicaOf, primary: { ...place, sealedPassword } } }
      : record,
  )
  return admission
}

/** Lets the source forget a replica, if it can be told: else it finds out by itself. */
export async function dismissed(
  rds: Rds,
  { region, ...input }: Dismissal & { region: string },
): Promise<void> {
  await rds.peer.ask({ region, operation: 'DismissReplica', input, silenceMs: SILENCE_MS })
}

/** How what followed an instance of this region from another one has left it; undefined also when that region is away. */
export async function departure(
  rds: Rds,
  region: string,
  operation: 'FindReplica' | 'FindBackupReplica',
  input: object,
): Promise<Pick<Dismissal, 'hasSucceeded'> | undefined> {
  try {
    const { output } = await rds.peer.ask<{ follows: boolean; hasSucceeded?: boolean }>({
      region,
      operation,
      input,
      silenceMs: SILENCE_MS,
    })
    return output.follows ? undefined : { hasSucceeded: output.hasSucceeded === true }
  } catch (error) {
    if (error instanceof LifeboatError && error.code === 'RegionUnreachable') return undefined
    throw error
  }
}
