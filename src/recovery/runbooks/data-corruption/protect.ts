import { withDatabase } from '../../../probe/database.ts'
import { proveFence } from '../../fence.ts'
import type { WriteGrant } from '../../grants.ts'
import { countLoss, type JointLossCount } from '../../loss.ts'
import type { Identified } from './identify.ts'
import type { Restored } from './restore.ts'
import { asAdministrator, type DataCorruption, loginTo, type RecoveryTools } from './tools.ts'

export type Protected = {
  /** The restored instance's own `LatestRestorableTime`, after it had moved (I14). */
  readonly latestRestorableTime: string
  /** The old instance cannot be deleted by accident. */
  readonly isOldProtected: boolean
}

const PROTECTED_WITHIN_MS = 3_600_000

/**
 * Waits until the restored instance can itself be restored, to a moment after consumers came to it, and keeps
 * the old one: protected from deletion, still refusing writes.
 */
export async function protect(
  { workload }: DataCorruption,
  { source }: Identified,
  restored: Restored,
  grants: readonly WriteGrant[],
  since: Date,
  tools: RecoveryTools,
  step: { signal: AbortSignal; progress: (message: string) => void },
): Promise<Protected> {
  const { rds } = tools.region
  const old = await rds.getInstance(source.instance)
  if (!old.attributes.deletionProtection) {
    await rds.modifyInstance(source.instance, { deletionProtection: true })
  }
  await asAdministrator(tools, workload, source.endpoint, (database) =>
    proveFence(database, grants),
  )
  step.progress(`waiting for the first recovery point of '${restored.instance}'`)
  const instance = await rds.waitUntil(
    restored.instance,
    (one) => one?.latestRestorableTime !== undefined && one.latestRestorableTime > since,
    { deadlineMs: PROTECTED_WITHIN_MS, signal: step.signal },
  )
  const kept = await rds.getInstance(source.instance)
  return {
    latestRestorableTime: instance!.latestRestorableTime!.toISOString(),
    isOldProtected: kept.attributes.deletionProtection === true,
  }
}

/** Counts acknowledged writes that are not in the restored database or its buckets; null when nobody kept a record. */
export async function countLostWrites(
  { workload, ledger }: DataCorruption,
  restored: Restored,
  tools: RecoveryTools,
): Promise<JointLossCount | null> {
  if (!ledger) return null
  const login = await loginTo(tools, workload.database.secret, workload, restored.endpoint)
  return withDatabase(login, { purpose: 'loss' }, (database) =>
    countLoss(database, ledger, tools.region.buckets),
  )
}
