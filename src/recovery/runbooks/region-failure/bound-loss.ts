import { formatDuration } from '../../../core/duration.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { type Database, withDatabase } from '../../../probe/database.ts'
import type { TypedLine } from '../../../runbook/runbook.ts'
import {
  countLoss,
  type JointLossCount,
  type LedgerFile,
  newestAcknowledgement,
} from '../../loss.ts'
import type { Workload } from '../../workload.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { act, awsIn, check, type FailoverFacts, logInAt, psql } from './by-hand.ts'
import type { DatabaseSource } from './database-sources.ts'
import { type Fenced, hasFenceDebt } from './fence-primary.ts'
import type { Ready } from './readiness.ts'
import {
  loginByRecoverySecret,
  PROBE_MS,
  type RegionFailure,
  recoveryRegion,
  tried,
} from './tools.ts'

/** What would be lost, before it is. JSON. */
export type LossBound = {
  /** From the oldest write that is lost to the newest that was acknowledged; null: it cannot be told. */
  readonly seconds: number | null
  /** Acknowledged writes that are not in the recovery region; null when nobody kept a record. */
  readonly count: JointLossCount | null
  /** Of the replica, once it had replayed all that it had received. */
  readonly position: string | null
  readonly newestCommitAt: string | null
  /** When customers were told of a write for the last time; null when nobody kept a record. */
  readonly lastServedAt: string | null
  /** What of the old database is there, as `pg_current_snapshot()` of the replica; null without one. */
  readonly snapshot: string | null
  readonly explanation: string
}

const CATCHES_UP_WITHIN_MS = 120_000
const POLL_MS = 25

/**
 * Measures what would be lost now. Of a replica, everything that it has received is replayed first; behind a proven fence that
 * is everything, if the replica still hears from its source.
 */
export async function boundLoss(
  { workload, ledger }: RegionFailure,
  { database: source }: Ready,
  fenced: Fenced,
  tools: RecoveryTools,
  signal: AbortSignal,
): Promise<LossBound> {
  const lastServedAt = ledger ? await newestAcknowledgement(ledger) : null
  if (source.kind !== 'replica') return { ...boundOfBackups(source, fenced), lastServedAt }
  const login = await loginByRecoverySecret(tools, workload, source.endpoint)
  const session = { purpose: 'loss', connectTimeoutMs: PROBE_MS, statementTimeoutMs: 3_600_000 }
  return await withDatabase(login, session, async (database) => {
    const caughtUp = await untilReplayed(database, fenced.proof?.lsn, tools, signal)
    const at = { ...caughtUp.at, lastServedAt }
    const { buckets } = await recoveryRegion(tools, workload)
    const count = ledger ? await countLoss(database, thereOf(ledger, workload), buckets) : null
    if (fenced.proof && caughtUp.isComplete) {
      const explanation = `the replica has all up to ${fenced.proof.lsn}, where writes were stopped`
      return { ...at, count, seconds: count ? secondsOf(count) : 0, explanation }
    }
    if (count) {
      const explanation = 'counted by the record of acknowledged writes'
      return { ...at, count, seconds: secondsOf(count), explanation }
    }
    const newest = at.newestCommitAt
    const seconds =
      newest === null ? null : (Date.parse(fenced.fencedAt) - Date.parse(newest)) / 1000
    const explanation =
      'at most what came after the newest commit of the replica: nobody kept a record'
    return { ...at, count: null, seconds, explanation }
  })
}

/** The ledger as it is looked for in the recovery region. */
export function thereOf(ledger: LedgerFile, { buckets }: Workload): LedgerFile {
  const replica = buckets.find(({ bucket }) => bucket === ledger.objects?.bucket)?.replica
  const { objects, ...rest } = ledger
  return objects && replica ? { ...rest, objects: { ...objects, bucket: replica.bucket } } : rest
}

/** From the oldest acknowledged write that is lost to the newest that was acknowledged; null when that is not known. */
export function lossSeconds(oldestLostAt: string | null, newestAt: string | null): number | null {
  if (oldestLostAt === null) return 0
  return newestAt === null ? null : (Date.parse(newestAt) - Date.parse(oldestLostAt)) / 1000
}

const secondsOf = ({ oldestLostAt, newestAt }: JointLossCount) =>
  lossSeconds(oldestLostAt, newestAt)

/**
 * Refuses a loss that nobody has accepted.
 *
 * @throws LifeboatError `DataLossNotAccepted`
 */
export function refuseLossBeyond(
  { workload, acceptDataLossSeconds = 0 }: RegionFailure,
  { seconds }: LossBound,
): void {
  const accepted = Math.max(workload.objectives.rpoSeconds, acceptDataLossSeconds)
  if (seconds !== null && seconds <= accepted) return
  const loss = seconds === null ? 'an unknown time' : formatDuration(seconds)
  throw new LifeboatError(
    'DataLossNotAccepted',
    `${loss} of writes would be lost, and ${formatDuration(accepted)} are accepted`,
    {
      hint: `Cancel, or start again with --accept-data-loss ${seconds === null ? '1h' : `${Math.ceil(seconds)}s`}.`,
    },
  )
}

/** What promoting costs, as it is at this moment. */
export async function costOfPromoting(
  input: RegionFailure,
  ready: Ready,
  fenced: Fenced,
  bound: LossBound,
  tools: RecoveryTools,
): Promise<string[]> {
  const { workload } = input
  const returned =
    fenced.grade === 'proven'
      ? { failure: 'fenced' }
      : await tried(tools, async () => {
          const login = await loginByRecoverySecret(tools, workload, fenced.endpoint)
          const session = { purpose: 'signal', connectTimeoutMs: PROBE_MS }
          await withDatabase(login, session, (database) => database.query('select 1'))
        })
  return [
    `'${ready.database.instance}' becomes the database; there is no way back after this.`,
    describeBound(bound),
    ...workload.buckets
      .filter(({ replica }) => !replica)
      .map(
        ({ bucket }) => `Bucket '${bucket}' has no replica: its objects stay behind, uncounted.`,
      ),
    `Fence of the old database: ${fenced.grade} (${fenced.why}).`,
    ...('answer' in returned
      ? ['The old database answers again: canceling now would lose nothing.']
      : []),
    ...(hasFenceDebt(fenced)
      ? [
          'What it accepts until it is fenced is counted and exported when it comes back, and not merged.',
        ]
      : []),
  ]
}

function describeBound({ seconds, count, explanation }: LossBound): string {
  const lost = count && count.lost + count.altered
  const writes = lost === null ? '' : `${lost} acknowledged writes, `
  const time = seconds === null ? 'an unknown time' : formatDuration(seconds)
  return `Lost: ${writes}${time} (${explanation}).`
}

function boundOfBackups(
  { newestCommitAt }: Exclude<DatabaseSource, { kind: 'replica' }>,
  { fencedAt }: Fenced,
): Omit<LossBound, 'lastServedAt'> {
  const seconds = (Date.parse(fencedAt) - Date.parse(newestCommitAt)) / 1000
  const explanation = `at most what came after ${newestCommitAt}, to which the backups reach`
  return { seconds, count: null, position: null, newestCommitAt, snapshot: null, explanation }
}

async function untilReplayed(
  database: Database,
  fenceLsn: string | undefined,
  { clock }: RecoveryTools,
  signal: AbortSignal,
): Promise<{
  at: Pick<LossBound, 'position' | 'newestCommitAt' | 'snapshot'>
  isComplete: boolean
}> {
  const deadline = clock.monotonicMs() + CATCHES_UP_WITHIN_MS
  for (;;) {
    const row = await database.one(
      `select pg_last_wal_replay_lsn()::text as position, pg_current_snapshot()::text as snapshot,
              coalesce(pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn(), true) as is_replayed,
              pg_last_wal_replay_lsn() >= $1::pg_lsn as is_complete,
              exists (select from pg_stat_wal_receiver where status = 'streaming') as hears,
              to_char(pg_last_xact_replay_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as newest`,
      [fenceLsn ?? 'FFFFFFFF/FFFFFFFF'],
    )
    const isComplete = row.is_complete === 't'
    const mayCome = fenceLsn !== undefined && row.hears === 't'
    const at = {
      position: row.position ?? null,
      newestCommitAt: row.newest ?? null,
      snapshot: row.snapshot ?? null,
    }
    if (isComplete || (row.is_replayed === 't' && !mayCome)) return { at, isComplete }
    if (clock.monotonicMs() > deadline) {
      throw new LifeboatError('StepDeadlineExceeded', 'the replica does not replay what it has', {
        hint: 'Look at its log and at pg_stat_wal_receiver, then retry.',
      })
    }
    await clock.sleep(POLL_MS, signal)
  }
}

/** Where nobody counts acknowledged writes, the loss is at most what came after the newest commit that is there. */
export function boundLossByHand(facts: FailoverFacts): TypedLine[] {
  const { workload, region, source } = facts
  if (source.kind !== 'replica') {
    const newest =
      source.kind === 'snapshot'
        ? awsIn(
            ...([region, 'rds describe-db-snapshots'] as const),
            { 'db-snapshot-identifier': source.snapshot },
            'DBSnapshots[0].SnapshotCreateTime',
          )
        : awsIn(
            ...([region, 'rds describe-db-instance-automated-backups'] as const),
            { 'db-instance-automated-backups-arn': source.backups },
            'DBInstanceAutomatedBackups[0].RestoreWindow.LatestTime',
          )
    return [
      act('what came after this time is lost', `${newest} | tee before-promotion.txt`),
      check(
        'somebody has accepted the loss of what came after it, up to so many seconds: ACCEPT_DATA_LOSS=600',
        `[ "\${ACCEPT_DATA_LOSS:-0}" -gt 0 ]`,
      ),
    ]
  }
  return [
    act(`log in at '${source.instance}'`, logInAt(facts, source.endpoint)),
    check(
      'it has replayed all that it has received',
      `within 120 says t ${psql('select coalesce(pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn(), true)')}`,
    ),
    act(
      'LSN, snapshot and newest commit, for the count afterwards and the way home',
      `${psql('select pg_last_wal_replay_lsn(), pg_current_snapshot(), pg_last_xact_replay_timestamp()')} | tee before-promotion.txt`,
    ),
    act(
      'at most so many seconds of writes are lost',
      `BEHIND=$(${psql('select ceil(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()))::int')}); echo "  $BEHIND"`,
    ),
    check(
      `that is within the objective, or somebody has accepted more, in seconds: ACCEPT_DATA_LOSS=600`,
      `[ "$BEHIND" -le "\${ACCEPT_DATA_LOSS:-${Math.floor(workload.objectives.rpoSeconds)}}" ]`,
    ),
  ]
}
