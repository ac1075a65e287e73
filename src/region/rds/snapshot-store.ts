import { rm } from 'node:fs/promises'
import { Protection } from '../../postgres/protection.ts'
import type { BaseBackup } from '../../postgres/vault/manifest.ts'
import type { LiveInstance } from './live-instance.ts'
import type { Rds } from './rds.ts'
import type { SnapshotRecord } from './snapshots.ts'

/** The name that the engine gives to the replication slot by which WAL is streamed. */
const SLOT = 'lifeboat'

interface TakeOptions {
  readonly signal: AbortSignal
  readonly onProgress: (progress: { doneBytes: number; totalBytes: number }) => void
}

/**
 * Takes a manual snapshot of a running instance into a folder of its own, from scratch, also when a killed region left
 * half of one. With automated backups it is a copy of a new one of them, which costs only what changed since the last.
 */
export async function takeSnapshot(
  rds: Rds,
  instance: LiveInstance,
  snapshot: SnapshotRecord,
  options: TakeOptions,
): Promise<BaseBackup> {
  const folder = rds.folder('snapshots', snapshot.resourceId)
  await rm(folder, { recursive: true, force: true })
  if (instance.record.settings.backupRetentionDays > 0) {
    const protection = await rds.backups.attach(instance)
    const backup = await protection.backUp(options)
    await protection.exportBackup(backup.id, folder)
    return backup
  }
  const own = await openSnapshot(rds, snapshot)
  try {
    await own.attach(instance.server.cluster)
    return await own.backUp({ ...options, kind: 'full' })
  } finally {
    await own.close()
    await dropSlot(instance)
  }
}

/** Opens a manual snapshot to restore from it. The caller closes it. */
export async function openSnapshot(rds: Rds, snapshot: SnapshotRecord): Promise<Protection> {
  return await Protection.open({
    folder: rds.folder('snapshots', snapshot.resourceId),
    clock: rds.clock,
    encryptionKey: rds.keys.open(snapshot.instance),
  })
}

/** Lets a server go that nobody streams from any longer: a slot would keep its WAL for ever. */
export async function dropSlot(instance: LiveInstance): Promise<void> {
  if (!instance.isServing) return
  await instance.server.query(
    `select pg_terminate_backend(active_pid) from pg_replication_slots
       where slot_name = '${SLOT}' and active;
     select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '${SLOT}'`,
  )
}
