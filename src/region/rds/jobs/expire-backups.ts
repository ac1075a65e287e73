import type { InstanceRecord } from '../instance.ts'
import type { Rds } from '../rds.ts'
import type { SnapshotRecord } from '../snapshots.ts'

/** Deletes what the retention of an instance no longer keeps, and the automated snapshots that stood for it. */
export async function expireBackups(
  rds: Rds,
  { resourceId, settings, status }: InstanceRecord,
): Promise<void> {
  const { backupRetentionDays } = settings
  if (backupRetentionDays === 0 || status === 'backing-up' || rds.isInUse(resourceId)) return
  const protection = rds.backups.find(resourceId)
  if (!protection) return
  await rds.backups.expire(resourceId, backupRetentionDays)
  const keepFrom = rds.backups.keepFrom(backupRetentionDays).toISOString()
  const kept = new Set(protection.backups().map(({ id }) => id))
  const isGone = ({ status, backup, completedAt }: SnapshotRecord) =>
    status === 'available' && (!kept.has(backup ?? '') || (completedAt ?? '') < keepFrom)
  await rds.removeAutomatedSnapshots(resourceId, isGone)
}

/** Deletes retained backups of instances that are gone, once the newest is older than their retention. */
export async function expireRetained(rds: Rds): Promise<void> {
  for (const { instance, since } of rds.retained.list()) {
    const { resourceId, settings } = instance
    if (rds.findByResourceId(resourceId) || rds.isInUse(resourceId)) continue
    const keepFrom = rds.backups.keepFrom(settings.backupRetentionDays)
    if (new Date(since) < keepFrom) await removeRetained(rds, resourceId)
    else await rds.backups.expire(resourceId, settings.backupRetentionDays)
  }
}

/** The same for backups that are replicated to here: while more comes they are kept as the others are, and then as retained ones. */
export async function expireReplicated(rds: Rds): Promise<void> {
  for (const { instance, ended } of rds.replicated.list()) {
    const { resourceId, settings } = instance
    if (rds.isInUse(resourceId)) continue
    const days = settings.backupRetentionDays
    if (ended && new Date(ended.at) < rds.backups.keepFrom(days)) {
      await removeRetained(rds, resourceId)
    } else {
      await rds.backups.expire(resourceId, days, { compact: false })
    }
  }
}

/** Deletes retained backups: the entries, then the data (I3). */
export async function removeRetained(rds: Rds, resourceId: string): Promise<void> {
  await rds.removeAutomatedSnapshots(resourceId)
  await rds.retained.remove(resourceId)
  await rds.replicated.remove(resourceId)
  await rds.backupReplication.end(resourceId)
  await rds.backups.remove(resourceId)
}
