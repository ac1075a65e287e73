import { LifeboatError } from '../../../core/errors.ts'
import { freePort } from '../../../postgres/free-port.ts'
import { factsOf } from '../instance.ts'
import type { LiveInstance, Work } from '../live-instance.ts'
import type { Rds } from '../rds.ts'
import { finishSnapshot, newSnapshot, unfinishedSnapshots } from './back-up.ts'
import { forgottenBy, promoteNow } from './promote-replica.ts'

/**
 * `deleting`: takes the final snapshot; then the records go, and then the data (I3). What a killed region leaves is swept
 * at its next start.
 */
export function deleteInstance(rds: Rds): Work {
  return async (instance, signal) => {
    const { deletion, resourceId, settings } = instance.record
    if (deletion?.finalSnapshot !== undefined) {
      await takeFinalSnapshot(rds, instance, deletion.finalSnapshot, signal)
    }
    await releaseReplicas(rds, instance)
    await rds.restoresFrom(resourceId)
    signal.throwIfAborted()
    for (const snapshot of unfinishedSnapshots(rds, instance)) await rds.removeSnapshot(snapshot)
    await instance.server.end()
    await rds.backups.detach(resourceId)

    const isKept = deletion?.keepsAutomatedBackups === true && settings.backupRetentionDays > 0
    if (isKept) {
      const facts = factsOf(instance.record)
      await rds.retained.put({ instance: facts, since: rds.now() })
    } else {
      await rds.removeAutomatedSnapshots(resourceId)
    }
    const { replicaOf } = instance.record
    if (replicaOf) await forgottenBy(rds, replicaOf, { replica: resourceId, hasSucceeded: false })
    await rds.forgetInstance(instance)
    await rds.tell(instance, 'instance deleted')
    if (!isKept) await rds.backups.remove(resourceId)
    await instance.server.removeData()
  }
}

/** Replicas of this region get all there is, and are promoted; those of other regions find out by themselves. */
async function releaseReplicas(rds: Rds, instance: LiveInstance): Promise<void> {
  const { replicas = [] } = instance.record
  if (replicas.length === 0) return
  // In an orderly way: it waits until its standbys have received everything.
  await instance.server.stop('fast')
  for (const { resourceId } of replicas) {
    const replica = rds.findByResourceId(resourceId)
    if (replica?.record.replicaOf) await promoteNow(rds, replica)
  }
}

/** @throws LifeboatError `BackupFailed`: without its final snapshot an instance is not deleted */
async function takeFinalSnapshot(
  rds: Rds,
  instance: LiveInstance,
  identifier: string,
  signal: AbortSignal,
): Promise<void> {
  const { settings, tags, appliedParameters } = instance.record
  let snapshot = rds.snapshots.find(identifier)
  if (snapshot?.status === 'available') return
  if (!snapshot) {
    snapshot = newSnapshot(rds, instance, {
      identifier,
      type: 'manual',
      tags: settings.copyTagsToSnapshot ? tags : [],
    })
    await rds.snapshots.add(snapshot)
  }
  // Nobody knows the port, so that nobody writes after the snapshot what the snapshot would not hold.
  if (!instance.isServing) {
    await instance.server.start(appliedParameters, { port: await freePort() })
  }
  if (await finishSnapshot(rds, instance, snapshot, signal)) return
  throw new LifeboatError('BackupFailed', `the final snapshot '${identifier}' could not be taken`)
}
