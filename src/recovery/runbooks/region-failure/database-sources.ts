import type { RegionClient } from '../../../aws/region-client.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { withDatabase } from '../../../probe/database.ts'
import type { TypedLine } from '../../../runbook/runbook.ts'
import type { Workload } from '../../workload.ts'
import { derivedName, type Endpoint, type RecoveryTools } from '../data-corruption/tools.ts'
import {
  act,
  awsIn,
  check,
  type FailoverFacts,
  IN_RECOVERY,
  instanceField,
  logInAt,
  quoted,
} from './by-hand.ts'
import { loginByRecoverySecret, PROBE_MS, tried } from './tools.ts'

/** By what the database comes up in the recovery region, the fastest first. JSON. */
export type DatabaseSource =
  | {
      readonly kind: 'replica'
      readonly instance: string
      readonly endpoint: Endpoint
      /** In WAL and in time: how far it has come. */
      readonly position: string
      readonly newestCommitAt: string | null
    }
  | {
      readonly kind: 'replicated-backups'
      readonly instance: string
      readonly backups: string
      readonly newestCommitAt: string
    }
  | {
      readonly kind: 'snapshot'
      readonly instance: string
      readonly snapshot: string
      readonly newestCommitAt: string
    }

export type Asking = Pick<RecoveryTools, 'region' | 'reach' | 'clock'>

/** The fastest first. */
const WAYS = [findReplica, findReplicatedBackups, findSnapshot]

/** The fastest way that is open. @throws LifeboatError `RecoveryRegionNotReady` when there is none */
export async function findDatabase(
  tools: RecoveryTools,
  workload: Workload,
  region: RegionClient,
  execution: string,
): Promise<{ readonly database: DatabaseSource; readonly closed: readonly string[] }> {
  const closed: string[] = []
  for (const way of WAYS) {
    const found = await tried(tools, () => way(tools, workload, region, execution), 4 * PROBE_MS)
    if ('answer' in found) return { database: found.answer, closed }
    closed.push(found.failure)
  }
  throw notReady(`nothing to bring the database up from: ${closed.join('; ')}`)
}

/** Everything that the database could come up from, the fastest first, and why others are closed. */
export async function findEveryWay(
  tools: Asking,
  workload: Workload,
  region: RegionClient,
  execution: string,
): Promise<{ readonly sources: readonly DatabaseSource[]; readonly closed: readonly string[] }> {
  const found = await Promise.all(
    WAYS.map((way) => tried(tools, () => way(tools, workload, region, execution), 4 * PROBE_MS)),
  )
  return {
    sources: found.flatMap((one) => ('answer' in one ? [one.answer] : [])),
    closed: found.flatMap((one) => ('failure' in one ? [one.failure] : [])),
  }
}

async function findReplica(
  tools: Asking,
  workload: Workload,
  { rds }: RegionClient,
): Promise<DatabaseSource> {
  const { standby } = workload.database
  if (!standby) throw notReady('the workload file names no standby')
  const { endpoint, status } = await rds.getInstance(standby)
  if (!endpoint) throw notReady(`'${standby}' is ${status} and has no endpoint`)
  const login = await loginByRecoverySecret(tools, workload, endpoint)
  const session = { purpose: 'readiness', connectTimeoutMs: PROBE_MS, statementTimeoutMs: PROBE_MS }
  return await withDatabase(login, session, async (database) => {
    const row = await database.one(
      `select pg_is_in_recovery() as in_recovery, pg_last_wal_replay_lsn()::text as position,
              to_char(pg_last_xact_replay_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as newest`,
    )
    if (row.in_recovery !== 't') throw notReady(`'${standby}' is no replica: it takes writes`)
    return {
      kind: 'replica',
      instance: standby,
      endpoint,
      position: row.position ?? '0/0',
      newestCommitAt: row.newest ?? null,
    }
  })
}

async function findReplicatedBackups(
  _tools: Asking,
  workload: Workload,
  { databaseBackups }: RegionClient,
  execution: string,
): Promise<DatabaseSource> {
  const { instance } = workload.database
  const all = await databaseBackups.listReplicated()
  const ours = all.find((one) => one.instance === instance && one.window)
  if (!ours?.window) throw notReady(`no automated backups of '${instance}' are replicated here`)
  return {
    kind: 'replicated-backups',
    instance: derivedName(instance, 'recovered', execution),
    backups: ours.arn,
    newestCommitAt: ours.window.latest.toISOString(),
  }
}

async function findSnapshot(
  _tools: Asking,
  workload: Workload,
  { databaseBackups }: RegionClient,
  execution: string,
): Promise<DatabaseSource> {
  const { instance } = workload.database
  const snapshots = await databaseBackups.listSnapshots(instance)
  const newest = snapshots.findLast(({ status }) => status === 'available')
  if (!newest?.createdAt) throw notReady(`no snapshot of '${instance}' was copied here`)
  return {
    kind: 'snapshot',
    instance: derivedName(instance, 'recovered', execution),
    snapshot: newest.identifier,
    newestCommitAt: newest.createdAt.toISOString(),
  }
}

export function notReady(what: string): LifeboatError {
  return new LifeboatError('RecoveryRegionNotReady', what, {
    hint: 'Nothing was changed. Mend it and retry.',
  })
}

export function sourceByHand(facts: FailoverFacts, source: DatabaseSource): TypedLine[] {
  const { region, workload } = facts
  const { secret } = workload.database
  const readSecret = act(
    `the copy of '${secret}' can be read`,
    `read_secret ${quoted(secret)} ${region}`,
  )
  switch (source.kind) {
    case 'replica':
      return [
        check(
          `'${source.instance}' is available`,
          `says available ${instanceField(facts, 'DBInstanceStatus')}`,
        ),
        act('its copy of the secret logs in', logInAt(facts, source.endpoint)),
        check('it is a replica', `says t ${IN_RECOVERY}`),
      ]
    case 'replicated-backups':
      return [
        readSecret,
        check(
          'the replicated backups are there',
          `says 1 ${awsIn(region, 'rds describe-db-instance-automated-backups', { 'db-instance-automated-backups-arn': source.backups }, 'length(DBInstanceAutomatedBackups)')}`,
        ),
      ]
    case 'snapshot':
      return [
        readSecret,
        check(
          'the snapshot is there',
          `says available ${awsIn(region, 'rds describe-db-snapshots', { 'db-snapshot-identifier': source.snapshot }, 'DBSnapshots[0].Status')}`,
        ),
      ]
  }
}
