import type { RegionClient, World } from '../../../aws/region-client.ts'
import type { TypedLine } from '../../../runbook/runbook.ts'
import type { PublicRecords } from '../../failover-records.ts'
import { readPublicRecords } from '../../failover-records.ts'
import { listWriteGrants, type WriteGrant } from '../../grants.ts'
import type { Workload } from '../../workload.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { awsIn, check, type FailoverFacts } from './by-hand.ts'
import {
  type Asking,
  type DatabaseSource,
  findDatabase,
  notReady,
  sourceByHand,
} from './database-sources.ts'
import { endTrialsOf, type ServiceThere, type Trying, tryTask } from './task-trial.ts'
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
  trying: Trying,
): Promise<Ready> {
  const region = await recoveryRegion(tools, workload)
  await endTrialsOf(region, workload.services, trying.execution)
  const [{ world }, found, services, records] = await Promise.all([
    region.identity(),
    findDatabase(tools, workload, region, trying.execution),
    findServices(tools, workload, region),
    findRecords(tools, workload),
  ])
  const { database } = found
  const setup = records.records?.setup
  const trial = (there: ServiceThere) => tryTask(region, there, { ...trying, database, setup })
  const grants = await findGrants(tools, workload, database)
  // None goes on behind a readiness that has ended.
  const trials = await Promise.allSettled(services.map(trial))
  const tried = trials.map((one, index) => {
    if (one.status === 'rejected') throw one.reason
    return { ...services[index]!, trial: one.value }
  })
  return { world, region: region.region, ...found, grants, services: tried, ...records }
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
