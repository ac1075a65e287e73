import type { RegionClient } from '../../../aws/region-client.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { parseLsn } from '../../../core/lsn.ts'
import { withDatabase } from '../../../probe/database.ts'
import type { TypedLine } from '../../../runbook/runbook.ts'
import { unfence } from '../../fence.ts'
import { type Endpoint, EXECUTION_TAG, type RecoveryTools } from '../data-corruption/tools.ts'
import type { LossBound } from './bound-loss.ts'
import {
  act,
  awsIn,
  check,
  type FailoverFacts,
  FENCE_FILES,
  IN_RECOVERY,
  instanceField,
  logInThere,
} from './by-hand.ts'
import type { DatabaseSource } from './database-sources.ts'
import type { Fenced } from './fence-primary.ts'
import type { Ready } from './readiness.ts'
import {
  asAdministratorOf,
  loginByRecoverySecret,
  PROBE_MS,
  type RegionFailure,
  recoveryRegion,
} from './tools.ts'

/** The database of the recovery region, which takes writes. JSON. */
export type Promoted = {
  readonly instance: string
  readonly arn: string
  readonly endpoint: Endpoint
  /** When it was first seen to take writes. */
  readonly writableAt: string
  readonly timeline: number
}

/** Backups are on from the first second. How long the lost database kept its own cannot be asked any more. */
export const RETENTION_DAYS = 7
const WRITABLE_WITHIN_MS = 4 * 3_600_000
const POLL_MS = 50

/**
 * Makes the database of the recovery region take writes. Safe to call again.
 *
 * @param fenced  what the fence has taken away the database here may have heard of: it is given back
 */
export async function promote(
  { workload }: RegionFailure,
  { database: source }: Ready,
  { bound, fenced }: { readonly bound: LossBound; readonly fenced: Fenced },
  tools: RecoveryTools,
  step: { execution: string; signal: AbortSignal; progress: (message: string) => void },
): Promise<Promoted> {
  const region = await recoveryRegion(tools, workload)
  const begun = await begin(source, region, step.execution)
  step.progress(`waiting for '${source.instance}' to take writes`)
  const endpoint =
    source.kind === 'replica' ? source.endpoint : await untilThere(source, region, step)
  const timeline = await untilWritable(workload, endpoint, tools, step.signal)
  if (source.kind === 'replica') refuseIfBehind(bound, timeline)
  await asAdministratorOf(tools, workload, endpoint, (database) => unfence(database, fenced.grants))
  const writableAt = tools.clock.now().toISOString()
  return { instance: source.instance, arn: begun.arn, endpoint, writableAt, timeline: timeline.id }
}

async function begin(source: DatabaseSource, region: RegionClient, execution: string) {
  const { rds, databaseReplicas, databaseBackups } = region
  if (source.kind === 'replica') {
    const instance = await rds.getInstance(source.instance)
    // Promoted by an attempt before this one.
    if (!instance.replicaOf) return instance
    return await databaseReplicas.promote(source.instance, { backupRetentionDays: RETENTION_DAYS })
  }
  const order = {
    target: source.instance,
    attributes: {},
    tags: {},
    mark: { key: EXECUTION_TAG, value: execution },
  }
  return source.kind === 'snapshot'
    ? await databaseBackups.restoreSnapshot({ ...order, snapshot: source.snapshot })
    : await databaseBackups.restoreToPointInTime({ ...order, source: source.backups, to: 'latest' })
}

async function untilThere(
  { instance }: DatabaseSource,
  { rds }: RegionClient,
  { signal, progress }: { signal: AbortSignal; progress: (message: string) => void },
): Promise<Endpoint> {
  const found = await rds.waitUntil(
    instance,
    (one) => one?.status === 'available' && one.endpoint !== undefined,
    {
      deadlineMs: WRITABLE_WITHIN_MS,
      signal,
      onPoll: (one) => progress(`'${instance}' is ${one?.status ?? 'not there yet'}`),
    },
  )
  return found!.endpoint!
}

interface Timeline {
  readonly id: number
  readonly lsn: string
}

/** The API may say `available` before or after the server takes writes: only the server knows. */
async function untilWritable(
  workload: RegionFailure['workload'],
  endpoint: Endpoint,
  tools: RecoveryTools,
  signal: AbortSignal,
): Promise<Timeline> {
  const login = await loginByRecoverySecret(tools, workload, endpoint)
  const session = { purpose: 'promotion', connectTimeoutMs: PROBE_MS, statementTimeoutMs: PROBE_MS }
  const deadline = tools.clock.monotonicMs() + WRITABLE_WITHIN_MS
  for (;;) {
    try {
      const timeline = await withDatabase(login, session, async (database) => {
        const { in_recovery } = await database.one('select pg_is_in_recovery() as in_recovery')
        if (in_recovery === 't') return undefined
        const row = await database.one(
          `select pg_walfile_name(pg_current_wal_lsn()) as file, pg_current_wal_lsn()::text as lsn
             from pg_current_xact_id()`,
        )
        // The first eight digits of a WAL file's name are its timeline.
        return { id: Number.parseInt(row.file?.slice(0, 8) ?? '0', 16), lsn: row.lsn ?? '0/0' }
      })
      if (timeline) return timeline
    } catch (error) {
      // A promotion may restart the server.
      if (!(error instanceof LifeboatError) || error.code !== 'DatabaseUnreachable') throw error
    }
    if (tools.clock.monotonicMs() > deadline) {
      throw new LifeboatError('StepDeadlineExceeded', `${endpoint.host} does not take writes`)
    }
    await tools.clock.sleep(POLL_MS, signal)
  }
}

/** A promotion never goes back behind what was announced. @throws LifeboatError `RestoreNotVerified` */
function refuseIfBehind({ position }: LossBound, { lsn }: Timeline): void {
  if (position === null || parseLsn(lsn) >= parseLsn(position)) return
  throw new LifeboatError(
    'RestoreNotVerified',
    `the promoted database is at ${lsn}, behind ${position}, which was announced`,
    { hint: 'Look whether it is the replica that was measured.' },
  )
}

export function promoteByHand(facts: FailoverFacts): TypedLine[] {
  const { source, workload } = facts
  const { unfence: kept } = FENCE_FILES
  return [
    ...bringUpByHand(facts, source),
    check('it takes writes', `within 600 says f ${IN_RECOVERY}`),
    ...logInThere(facts, workload.database.adminSecret),
    act(
      'what the fence took away was replicated, and comes back',
      `[ ! -s ${kept} ] || psql -Xqv ON_ERROR_STOP=1 -f ${kept}`,
    ),
  ]
}

function bringUpByHand(facts: FailoverFacts, source: DatabaseSource): TypedLine[] {
  const { region } = facts
  const target = { 'db-instance-identifier': source.instance }
  const status = instanceField(facts, 'DBInstanceStatus')
  if (source.kind === 'replica') {
    const promotion = awsIn(
      ...([region, 'rds promote-read-replica'] as const),
      { ...target, 'backup-retention-period': RETENTION_DAYS },
      'DBInstance.DBInstanceStatus',
    )
    return [
      ...logInThere(facts),
      act(`promote '${source.instance}'`, `says f ${IN_RECOVERY} || ${promotion}`),
    ]
  }
  const order =
    source.kind === 'snapshot'
      ? awsIn(
          ...([region, 'rds restore-db-instance-from-db-snapshot'] as const),
          { ...target, 'db-snapshot-identifier': source.snapshot },
          'DBInstance.DBInstanceStatus',
        )
      : awsIn(
          ...([region, 'rds restore-db-instance-to-point-in-time'] as const),
          {
            'source-db-instance-automated-backups-arn': source.backups,
            'target-db-instance-identifier': source.instance,
            'use-latest-restorable-time': true,
          },
          'DBInstance.DBInstanceStatus',
        )
  return [
    act(`restore to '${source.instance}'`, `${status} 2>/dev/null || ${order}`),
    check('it is available', `within 14400 says available ${status}`),
    ...logInThere(facts),
  ]
}
