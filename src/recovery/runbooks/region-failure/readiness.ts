import type { RegionClient, World } from '../../../aws/region-client.ts'
import type { ServiceName } from '../../../aws/services.ts'
import { LifeboatError } from '../../../core/errors.ts'
import type { TypedLine } from '../../../runbook/runbook.ts'
import type { PublicRecords } from '../../failover-records.ts'
import { readPublicRecords } from '../../failover-records.ts'
import { listWriteGrants, type WriteGrant } from '../../grants.ts'
import type { Workload } from '../../workload.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { isHalfDone } from '../half-done.ts'
import { awsIn, check, type FailoverFacts } from './by-hand.ts'
import {
  type Asking,
  type DatabaseSource,
  findDatabase,
  notReady,
  sourceByHand,
} from './database-sources.ts'
import { asAdministratorOf, type RegionFailure, recoveryRegion, tried } from './tools.ts'

/** What the recovery region was seen to be able to do. JSON. */
export type Ready = {
  readonly world: World
  readonly region: string
  readonly database: DatabaseSource
  /** Why faster ways are closed, in words. */
  readonly closed: readonly string[]
  /** Who may write, as the replica or the database itself says: what a fence takes away is given back from here. */
  readonly grants: readonly WriteGrant[]
  readonly services: readonly (ServiceThere & {
    /** Whether a task of it starts, in words. */
    readonly trial: string
  })[]
  /** As Route 53 tells, or as they were seen last; null when nothing is known of them. */
  readonly records: PublicRecords | null
  /** Why Route 53 could not be asked. */
  readonly recordsUnknown: string | null
}

export type ServiceThere = {
  readonly cluster: string
  readonly service: string
  /** Before the failover. */
  readonly desiredCount: number
  readonly runningCount: number
  /** What it is brought to. */
  readonly tasks: number
}

interface Running {
  readonly execution: string
  readonly signal: AbortSignal
  readonly progress: (message: string) => void
}

const STARTS_WITHIN_MS = 90_000
const POLL_MS = 200

/**
 * Tries what the recovery region must be able to do, before customers feel anything: its copy of the secret is decrypted and logs
 * in, its database is where it is said to be, its services are there, and a task of each one starts. A task that does not is said at
 * the gate and refuses nothing: it may want a database that takes writes.
 *
 * @throws LifeboatError `RecoveryRegionNotReady` naming all that is missing
 */
export async function checkReadiness(
  { workload }: RegionFailure,
  tools: RecoveryTools,
  running: Running,
): Promise<Ready> {
  const region = await recoveryRegion(tools, workload)
  const [{ world }, found, services, records] = await Promise.all([
    region.identity(),
    findDatabase(tools, workload, region, running.execution),
    findServices(tools, workload, region),
    findRecords(tools, workload),
  ])
  const [grants, triedServices] = await Promise.all([
    findGrants(tools, workload, found.database),
    Promise.all(
      services.map(async (one) => {
        const trial = await tryTask(region, one, {
          ...{ ...running, database: found.database },
          ...(records.records && { setup: records.records.setup }),
        })
        return { ...one, trial }
      }),
    ),
  ])
  return { world, region: region.region, ...found, grants, services: triedServices, ...records }
}

/**
 * Brings a service that has no tasks to one, and back. Not without a database, as a task has nothing to come up with then; nor
 * where the public name follows whatever is up.
 */
async function tryTask(
  region: RegionClient,
  there: ServiceThere,
  o: Running & { database: DatabaseSource; setup?: PublicRecords['setup'] },
): Promise<string> {
  if (there.runningCount > 0) return 'tasks of it run'
  if (o.database.kind !== 'replica') return 'no task was tried, as there is no database yet'
  if (o.setup === 'ungated') return 'no task was tried, as customers could be led to it'
  const waiting = { deadlineMs: STARTS_WITHIN_MS, everyMs: POLL_MS, signal: o.signal }
  try {
    o.progress(`starting a task of '${there.service}'`)
    await region.services.setDesiredCount(there, Math.max(there.desiredCount, 1), o.execution)
    await region.services.waitUntilStable(there, waiting)
    return 'a task of it starts'
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error
    return `a task of it does not start: ${error.message}`
  } finally {
    await endTrial(region, there, o.execution)
  }
}

/** Whoever else has changed the count puts it back. */
async function endTrial(
  { services }: RegionClient,
  name: ServiceName,
  execution: string,
): Promise<void> {
  try {
    await services.restoreDesiredCount(name, execution)
  } catch (error) {
    if (!(error instanceof LifeboatError && error.code === 'CallRefused')) throw error
  }
}

/** Ends the trials of a readiness that has died in the middle of them. */
export async function endTrials(
  { workload }: RegionFailure,
  tools: RecoveryTools,
  execution: string,
): Promise<void> {
  if (!(await isHalfDone('readiness', tools, execution))) return
  const region = await recoveryRegion(tools, workload)
  await Promise.all(workload.services.map((name) => endTrial(region, name, execution)))
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

/** The services of the workload, there and as large as they have to be. @throws LifeboatError `RecoveryRegionNotReady` */
export async function findServices(
  tools: Asking,
  workload: Workload,
  { services }: RegionClient,
): Promise<readonly ServiceThere[]> {
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
