import type { RegionClient, World } from '../../../aws/region-client.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { withDatabase } from '../../../probe/database.ts'
import type { TypedLine } from '../../../runbook/runbook.ts'
import type { PublicRecords } from '../../failover-records.ts'
import { readPublicRecords } from '../../failover-records.ts'
import { listWriteGrants, type WriteGrant } from '../../grants.ts'
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
import {
  asAdministratorOf,
  loginByRecoverySecret,
  PROBE_MS,
  type RegionFailure,
  recoveryRegion,
  tried,
} from './tools.ts'

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

/** What the recovery region was seen to be able to do. JSON. */
export type Ready = {
  readonly world: World
  readonly region: string
  readonly database: DatabaseSource
  /** Why faster ways are closed, in words. */
  readonly closed: readonly string[]
  /** Who may write, as the replica or the database itself says: what a fence takes away is given back from here. */
  readonly grants: readonly WriteGrant[]
  readonly services: readonly {
    readonly cluster: string
    readonly service: string
    /** Before the failover. */
    readonly desiredCount: number
    readonly runningCount: number
    /** What it is brought to. */
    readonly tasks: number
  }[]
  /** As Route 53 tells, or as they were seen last; null when nothing is known of them. */
  readonly records: PublicRecords | null
  /** Why Route 53 could not be asked. */
  readonly recordsUnknown: string | null
}

type Asking = Pick<RecoveryTools, 'region' | 'reach' | 'clock'>

/** The fastest first. */
const WAYS = [findReplica, findReplicatedBackups, findSnapshot]

/**
 * Tries what the recovery region must be able to do, before customers feel anything: its copy of the secret is decrypted and logs
 * in, its database is where it is said to be, its services can run.
 *
 * @throws LifeboatError `RecoveryRegionNotReady` naming all that is missing
 */
export async function checkReadiness(
  { workload }: RegionFailure,
  tools: RecoveryTools,
  execution: string,
): Promise<Ready> {
  const region = await recoveryRegion(tools, workload)
  const [{ world }, found, services, records] = await Promise.all([
    region.identity(),
    findDatabase(tools, workload, region, execution),
    findServices(tools, workload, region),
    findRecords(tools, workload),
  ])
  const grants = await findGrants(tools, workload, found.database)
  return { world, region: region.region, ...found, grants, services, ...records }
}

/** Of the replica, which has its source's catalog; without one of the database itself, if it answers. */
async function findGrants(
  tools: RecoveryTools,
  workload: Workload,
  found: DatabaseSource,
): Promise<readonly WriteGrant[]> {
  if (found.kind === 'replica')
    return await asAdministratorOf(tools, workload, found.endpoint, listWriteGrants)
  const asked = await tried(tools, () =>
    asAdministratorOf(tools, workload, undefined, listWriteGrants),
  )
  return 'answer' in asked ? asked.answer : []
}

async function findDatabase(
  tools: RecoveryTools,
  workload: Workload,
  region: RegionClient,
  execution: string,
): Promise<Pick<Ready, 'database' | 'closed'>> {
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

/** The services of the workload, there and as large as they have to be. @throws LifeboatError `RecoveryRegionNotReady` */
export async function findServices(
  tools: Asking,
  workload: Workload,
  { services }: RegionClient,
): Promise<Ready['services']> {
  return await Promise.all(
    workload.services.map(async ({ cluster, service, tasks }) => {
      const { isActive, desiredCount, runningCount } = await services.getService({
        cluster,
        service,
      })
      if (!isActive) throw notReady(`service '${service}' of '${cluster}' is not active`)
      const atHome =
        tasks === undefined
          ? await tried(tools, () => tools.region.services.getService({ cluster, service }))
          : { failure: 'not asked' }
      const wanted = tasks ?? ('answer' in atHome ? atHome.answer.desiredCount : 1)
      return {
        cluster,
        service,
        desiredCount,
        runningCount,
        tasks: Math.max(wanted, desiredCount, 1),
      }
    }),
  )
}

/** As Route 53 tells, or as they were seen last: its API may be lost with the region. */
async function findRecords(
  { region, history, clock, ...rest }: RecoveryTools,
  { name, publicName }: Workload,
): Promise<Pick<Ready, 'records' | 'recordsUnknown'>> {
  if (!publicName) return { records: null, recordsUnknown: 'the workload file has no publicName:' }
  const found = await tried({ clock, ...rest }, () => readPublicRecords(region.route53, publicName))
  if ('answer' in found) {
    await history.rememberRecords(name, found.answer, clock.now())
    return { records: found.answer, recordsUnknown: null }
  }
  const known = await history.recordsSeenLast(name)
  return { records: known?.records ?? null, recordsUnknown: found.failure }
}

function notReady(what: string): LifeboatError {
  return new LifeboatError('RecoveryRegionNotReady', what, {
    hint: 'Nothing was changed. Mend it and retry.',
  })
}

export function readinessByHand(facts: FailoverFacts): TypedLine[] {
  const { region, source, services } = facts
  return [
    ...sourceByHand(facts, source),
    ...services.map(({ cluster, service }) =>
      check(
        `service '${service}' is there`,
        `says ACTIVE ${awsIn(region, 'ecs describe-services', { cluster, services: service }, 'services[0].status')}`,
      ),
    ),
  ]
}

function sourceByHand(facts: FailoverFacts, source: DatabaseSource): TypedLine[] {
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
