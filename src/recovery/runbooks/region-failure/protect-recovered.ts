import { withDatabase } from '../../../probe/database.ts'
import { countLoss, type JointLossCount } from '../../loss.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { thereOf } from './bound-loss.ts'
import { type Promoted, RETENTION_DAYS } from './promote.ts'
import { loginByRecoverySecret, type RegionFailure, recoveryRegion } from './tools.ts'

/** JSON. */
export type ProtectedThere = {
  /** The new database's own `LatestRestorableTime`, after it had moved (I14). */
  readonly latestRestorableTime: string
}

const PROTECTED_WITHIN_MS = 3_600_000

/** Turns on what keeps the new database from being lost: a week of backups at least, and protection from deletion. */
export async function armRecovered(
  { workload }: RegionFailure,
  { instance }: Promoted,
  tools: RecoveryTools,
  signal: AbortSignal,
): Promise<{ readonly retentionDays: number }> {
  const { rds } = await recoveryRegion(tools, workload)
  const { attributes } = await rds.getInstance(instance)
  const retentionDays = Math.max(attributes.backupRetentionDays ?? 0, RETENTION_DAYS)
  await rds.modifyWhenAvailable(
    instance,
    { backupRetentionDays: retentionDays, deletionProtection: true, copyTagsToSnapshot: true },
    { deadlineMs: PROTECTED_WITHIN_MS, signal },
  )
  return { retentionDays }
}

/** Waits until the new database can itself be restored to a moment after the failover. */
export async function untilProtected(
  { workload }: RegionFailure,
  { instance, writableAt }: Promoted,
  tools: RecoveryTools,
  { signal, progress }: { signal: AbortSignal; progress: (message: string) => void },
): Promise<ProtectedThere> {
  const { rds } = await recoveryRegion(tools, workload)
  progress(`waiting for the first recovery point of '${instance}'`)
  const since = new Date(writableAt)
  const found = await rds.waitUntil(
    instance,
    (one) => one?.latestRestorableTime !== undefined && one.latestRestorableTime > since,
    { deadlineMs: PROTECTED_WITHIN_MS, signal },
  )
  return { latestRestorableTime: found!.latestRestorableTime!.toISOString() }
}

/** Counts acknowledged writes that are not in the recovery region; null when nobody kept a record. */
export async function countLostThere(
  { workload, ledger }: RegionFailure,
  { endpoint }: Promoted,
  tools: RecoveryTools,
): Promise<JointLossCount | null> {
  if (!ledger) return null
  const login = await loginByRecoverySecret(tools, workload, endpoint)
  const { buckets } = await recoveryRegion(tools, workload)
  return await withDatabase(login, { purpose: 'loss' }, (database) =>
    countLoss(database, thereOf(ledger, workload), buckets),
  )
}
