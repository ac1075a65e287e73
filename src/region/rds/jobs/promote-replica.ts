import { assert } from '../../../core/assert.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { promote, readProgress } from '../../../postgres/standby/standby.ts'
import { RdsFault } from '../faults.ts'
import type { InstanceRecord } from '../instance.ts'
import { SUPERUSER } from '../instance-server.ts'
import type { LiveInstance, Work } from '../live-instance.ts'
import { withRecoveryMinimums } from '../parameters/parameter-values.ts'
import type { Rds } from '../rds.ts'
import { dismissed } from '../replication/ask-source.ts'
import type { ReplicaSource } from '../replication/replica.ts'
import type { Dismissal } from '../replication/source.ts'
import { replicationSettings } from '../server-settings.ts'
import { backUpInstance, newAutomatedSnapshot } from './back-up.ts'
import { bringUp } from './bring-up.ts'

/** For how many days automated backups are kept after a promotion, unless told. Source: RDS API Reference, PromoteReadReplica. */
export const PROMOTED_RETENTION_DAYS = 1

/**
 * `modifying`, of a read replica: it becomes an instance of its own with all that it has received, on a new timeline, and its
 * backups begin. Every part can be done twice.
 *
 * Unlike AWS: its server is restarted only where its parameter group gives it less room than the source had; its sessions end
 * in any case.
 */
export function promoteReplica(rds: Rds): Work {
  return async (instance, signal) => {
    const { promotion, replicaOf } = instance.record
    assert(promotion, 'a promotion says what comes after it')
    if (!instance.isServing) await bringUp(rds, instance, signal)
    let hasSucceeded = true
    await instance.server.connected(async (connection) => {
      const progress = await readProgress(connection)
      hasSucceeded = progress?.isStreaming !== true
      await promote(connection, { clock: rds.clock, signal })
      await connection.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
           where backend_type = 'client backend' and usename <> '${SUPERUSER}'`,
      )
    })
    // The source may ask for this before it is told.
    const record = await instance.change((before) => standalone(before, hasSucceeded))
    await settle(rds, instance, record)
    await instance.end(signal, 'ready', ({ promotion: _, ...before }) => before)
    await rds.tell(instance, 'replica promoted')
    if (promotion.backupRetentionDays > 0) {
      await rds.tell(instance, 'backups enabled')
      await rds.snapshots.add(newAutomatedSnapshot(rds, instance))
      await instance.begin('back up', { work: backUpInstance(rds) })
    }
    if (!replicaOf) return
    await forgottenBy(rds, replicaOf, { replica: instance.record.resourceId, hasSucceeded })
  }
}

/** The record of an instance that follows nobody any more. */
function standalone(
  { replicaOf, ...record }: InstanceRecord,
  hasSucceeded: boolean,
): InstanceRecord {
  const { promotion = {} } = record
  return {
    ...record,
    ...(replicaOf && !hasSucceeded && { leftSource: replicaOf.resourceId }),
    settings: { ...record.settings, ...promotion },
  }
}

/** What the server keeps of its time as a standby: only the room that its own group gives it, for which it must be restarted. */
async function settle(rds: Rds, instance: LiveInstance, record: InstanceRecord): Promise<void> {
  const parameters = rds.parameterGroups.parametersOf(record.settings.parameterGroup)
  const own = withRecoveryMinimums({}, parameters)
  const isRoomier = Object.entries(record.recoveryMinimums).some(
    ([name, value]) => value > (own[name] ?? 0),
  )
  if (isRoomier) {
    await instance.server.stop('fast')
    await rds.tell(instance, 'instance shut down')
    await bringUp(rds, instance)
    await rds.tell(instance, 'instance restarted')
    return
  }
  const more = await replicationSettings(rds, instance, parameters)
  await instance.server.reconfigure(parameters, more)
}

/** Promotes a replica whose source goes, if it can be: else it is left as one that follows nobody. */
export async function promoteNow(rds: Rds, instance: LiveInstance): Promise<void> {
  const { backupWindow } = instance.record.settings
  try {
    await instance.begin('promote', {
      prepare: async (record) => ({
        ...record,
        promotion: { backupRetentionDays: PROMOTED_RETENTION_DAYS, backupWindow },
      }),
      work: promoteReplica(rds),
    })
  } catch (error) {
    if (!(error instanceof RdsFault)) throw error
  }
}

/** A source that is away finds out by itself when it is back. */
export async function forgottenBy(
  rds: Rds,
  { resourceId: source, region }: ReplicaSource,
  departure: Omit<Dismissal, 'source'>,
): Promise<void> {
  try {
    await dismissed(rds, { source, region, ...departure })
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error
  }
}
