import { LifeboatError } from '../../../core/errors.ts'
import type { BaseBackup } from '../../../postgres/vault/manifest.ts'
import type { EventName } from '../events.ts'
import { factsOf } from '../instance.ts'
import type { LiveInstance, Work } from '../live-instance.ts'
import type { Rds } from '../rds.ts'
import { takeSnapshot } from '../snapshot-store.ts'
import type { SnapshotRecord } from '../snapshots.ts'

/** `backing-up`: finishes every snapshot of the instance that is being created. */
export function backUpInstance(rds: Rds): Work {
  return async (instance, signal) => {
    for (const snapshot of unfinishedSnapshots(rds, instance)) {
      await finishSnapshot(rds, instance, snapshot, signal)
    }
    await instance.end(signal, 'ready')
  }
}

/** Snapshots of an instance that are listed as being created. */
export function unfinishedSnapshots(rds: Rds, { record }: LiveInstance): SnapshotRecord[] {
  return rds.snapshots
    .list()
    .filter((one) => one.status === 'creating' && !one.copyOf)
    .filter((one) => one.instance.resourceId === record.resourceId)
}

/** A snapshot of an instance that is about to be taken; stored, it will be, whatever happens to the region. */
export function newSnapshot(
  rds: Rds,
  { record }: LiveInstance,
  o: Pick<SnapshotRecord, 'identifier' | 'type' | 'tags'>,
): SnapshotRecord {
  return {
    ...o,
    resourceId: rds.names.newResourceId('snap').toLowerCase(),
    status: 'creating',
    instance: factsOf(record),
    acceptedAt: rds.now(),
  }
}

/** The automated snapshot that a daily backup makes: `rds:shop-db-2026-01-15-03-00`, with tags when they are copied. */
export function newAutomatedSnapshot(rds: Rds, instance: LiveInstance): SnapshotRecord {
  const { identifier, settings, tags } = instance.record
  const minute = rds.now().slice(0, 16).replace(/[T:]/g, '-')
  const base = `rds:${identifier}-${minute}`
  const isTaken = (name: string) => rds.snapshots.find(name) !== undefined
  let name = base
  for (let next = 2; isTaken(name); next++) name = `${base}-${next}`
  return newSnapshot(rds, instance, {
    identifier: name,
    type: 'automated',
    tags: settings.copyTagsToSnapshot ? tags : [],
  })
}

/**
 * Takes the base backup that a snapshot stands for. One that cannot be taken is removed and told of: the instance is
 * not worse for it.
 */
export async function finishSnapshot(
  rds: Rds,
  instance: LiveInstance,
  snapshot: SnapshotRecord,
  signal: AbortSignal,
): Promise<boolean> {
  const isManual = snapshot.type === 'manual'
  await tell(rds, snapshot, isManual ? 'snapshot began' : 'automated snapshot began')
  await rds.tell(instance, 'backup began')
  try {
    const backup = await take(rds, instance, snapshot, signal)
    signal.throwIfAborted()
    await rds.snapshots.change(snapshot.identifier, (one) => ({
      ...one,
      status: 'available',
      backup: backup.id,
      completedAt: backup.completedAt.toISOString(),
    }))
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof LifeboatError) && !isServerGone(instance)) throw error
    rds.report(error)
    await rds.removeSnapshot(snapshot)
    await tell(rds, snapshot, 'snapshot failed')
    await rds.tell(instance, 'backup failed')
    return false
  }
  await tell(rds, snapshot, isManual ? 'snapshot created' : 'automated snapshot created')
  await rds.tell(instance, 'backup ended')
  return true
}

async function take(
  rds: Rds,
  instance: LiveInstance,
  snapshot: SnapshotRecord,
  signal: AbortSignal,
): Promise<BaseBackup> {
  const onProgress = ({ doneBytes, totalBytes }: { doneBytes: number; totalBytes: number }) =>
    rds.setProgress(snapshot, doneBytes / Math.max(totalBytes, 1))
  if (snapshot.type === 'manual') {
    return await takeSnapshot(rds, instance, snapshot, { signal, onProgress })
  }
  const protection = await rds.backups.attach(instance)
  return await protection.backUp({ signal, onProgress })
}

/** A server that died under a backup is started again by those who watch it; the backup just failed. */
function isServerGone(instance: LiveInstance): boolean {
  return !instance.isServing
}

async function tell(rds: Rds, { identifier }: SnapshotRecord, event: EventName): Promise<void> {
  const arn = rds.names.arn('snapshot', identifier)
  await rds.events.record({ source: 'db-snapshot', identifier, arn }, event)
}
