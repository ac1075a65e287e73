import { withDatabase } from '../../../probe/database.ts'
import type { TypedLine } from '../../../runbook/runbook.ts'
import { countLoss, type JointLossCount } from '../../loss.ts'
import type { Check } from '../../workload.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { thereOf } from './bound-loss.ts'
import {
  act,
  awsIn,
  check,
  type FailoverFacts,
  instanceField,
  logInThere,
  psql,
  quoted,
} from './by-hand.ts'
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

export function armByHand(facts: FailoverFacts): TypedLine[] {
  const { source, region } = facts
  const protection = {
    'db-instance-identifier': source.instance,
    'backup-retention-period': RETENTION_DAYS,
    'deletion-protection': true,
    'copy-tags-to-snapshot': true,
    'apply-immediately': true,
  } as const
  return [
    check(
      'it can be changed',
      `within 3600 says available ${instanceField(facts, 'DBInstanceStatus')}`,
    ),
    act(
      'backups, and protection from deletion',
      awsIn(region, 'rds modify-db-instance', protection, 'DBInstance.DBInstanceStatus'),
    ),
    check('it is protected', `within 3600 says True ${instanceField(facts, 'DeletionProtection')}`),
  ]
}

export function protectByHand(facts: FailoverFacts): TypedLine[] {
  const hasPoint = instanceField(facts, 'LatestRestorableTime != `null`')
  return [check('it has a recovery point of its own', `within 7200 says True ${hasPoint}`)]
}

/** Without a record of acknowledged writes nobody can count them: what can be said is whether the data is good. */
export function countLossByHand(facts: FailoverFacts): TypedLine[] {
  const { checks } = facts.workload
  return [
    ...logInThere(facts),
    ...checks.map(({ name, sql, expect }) =>
      check(
        name,
        `says ${quoted(asPsqlPrints(expect))} env PGOPTIONS='-c default_transaction_read_only=on' ${psql(sql)}`,
      ),
    ),
    act(
      'look for acknowledged writes after this time where you keep them: mail, payments, logs',
      'cat before-promotion.txt',
    ),
  ]
}

function asPsqlPrints(expect: Check['expect']): string {
  if (expect === null) return ''
  return typeof expect === 'boolean' ? (expect ? 't' : 'f') : String(expect)
}
