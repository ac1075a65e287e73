import type { RegionClient } from '../../../aws/region-client.ts'
import type { ServiceName, Services } from '../../../aws/services.ts'
import { LifeboatError } from '../../../core/errors.ts'
import type { PublicRecords } from '../../failover-records.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { isHalfDone } from '../half-done.ts'
import type { DatabaseSource } from './database-sources.ts'
import { type RegionFailure, recoveryRegion } from './tools.ts'

/** A service of the recovery region. JSON. */
export type ServiceThere = {
  readonly cluster: string
  readonly service: string
  /** Before the failover. */
  readonly desiredCount: number
  readonly runningCount: number
  /** What it is brought to. */
  readonly tasks: number
}

export interface Trying {
  readonly execution: string
  readonly signal: AbortSignal
  readonly progress: (message: string) => void
}

const STARTS_WITHIN_MS = 90_000
const POLL_MS = 200

/**
 * Brings a service that has no tasks to one, and back. Not without a database, as a task has nothing to come up with then; nor
 * where the public name follows whatever is up.
 *
 * @returns in words whether a task of it starts
 */
export async function tryTask(
  { services }: RegionClient,
  there: ServiceThere,
  o: Trying & { database: DatabaseSource; setup: PublicRecords['setup'] | undefined },
): Promise<string> {
  if (there.runningCount > 0) return 'tasks of it run'
  if (o.database.kind !== 'replica') return 'no task was tried, as there is no database yet'
  if (o.setup === 'ungated') return 'no task was tried, as customers could be led to it'
  const { execution, signal } = o
  try {
    o.progress(`starting a task of '${there.service}'`)
    await services.setDesiredCount(there, Math.max(there.desiredCount, 1), execution)
    const waiting = { deadlineMs: STARTS_WITHIN_MS, everyMs: POLL_MS, signal }
    await services.waitUntilStable(there, waiting)
    return 'a task of it starts'
  } catch (error) {
    // That the step is stopped says nothing of the service.
    if (signal.aborted || !(error instanceof LifeboatError)) throw error
    return `a task of it does not start: ${error.message}`
  } finally {
    await endTrial(services, there, execution)
  }
}

/** Ends the trials of a readiness that has died in the middle of them. */
export async function endTrials(
  { workload }: RegionFailure,
  tools: RecoveryTools,
  execution: string,
): Promise<void> {
  if (!(await isHalfDone('readiness', tools, execution))) return
  await endTrialsOf(await recoveryRegion(tools, workload), workload.services, execution)
}

/** A try of the readiness that died may have left its task, which must not be taken for one that runs anyway. */
export async function endTrialsOf(
  { services }: RegionClient,
  names: readonly ServiceName[],
  execution: string,
): Promise<void> {
  await Promise.all(names.map((name) => endTrial(services, name, execution)))
}

/** A count that another execution has changed is that one's to put back. */
async function endTrial(services: Services, name: ServiceName, execution: string): Promise<void> {
  if (await services.isChangedBy(name, execution)) {
    await services.restoreDesiredCount(name, execution)
  }
}
