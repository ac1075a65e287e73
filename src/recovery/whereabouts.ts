import { LifeboatError } from '../core/errors.ts'
import { type Execution, type ExecutionsApi, isCompleted } from '../runbook/execution.ts'
import { outputsOf } from './report.ts'
import { mirroredWorkload } from './runbooks/failback/tools.ts'
import { failback } from './runbooks/failback.ts'
import { hasFenceDebt } from './runbooks/region-failure/fence-primary.ts'
import type { RegionFailureOutputs } from './runbooks/region-failure/report.ts'
import { regionFailure } from './runbooks/region-failure.ts'
import type { Workload } from './workload.ts'
import { namesAfter } from './workload-edit.ts'

/** Where a workload is that a failover has brought away, and that has not come home. JSON. */
export type Away = {
  /** The execution of the failover. */
  readonly failover: string
  readonly region: string
  /** When it took writes there first. */
  readonly since: string
  /** How sure it was that the old database takes no writes, where that is not proven; null when it was. */
  readonly fenceOwed: string | null
}

export interface Whereabouts {
  /** As it is there: its region is the one that serves it now, its database the one in use. */
  readonly workload: Workload
  /** Null: it is at home. */
  readonly away: Away | null
}

/** Finds out whether a workload is at home, as this machine's executions know. */
export async function whereaboutsOf(
  workload: Workload,
  executions: Pick<ExecutionsApi, 'list' | 'get'>,
): Promise<Whereabouts> {
  const failover = await findOpenFailover(executions, workload.name)
  const { readiness, fence, promote, dns }: RegionFailureOutputs = failover
    ? outputsOf(failover)
    : {}
  // A file that names the other region as the first one has moved there for good.
  const isAway = readiness && promote && readiness.region !== workload.region
  if (!failover || !isAway) return { workload, away: null }
  const there = mirroredWorkload(workload, readiness.region, promote.instance)
  const away = {
    failover: failover.id,
    region: readiness.region,
    since: dns?.firstWriteAt ?? promote.writableAt,
    fenceOwed: fence && hasFenceDebt(fence) ? fence.grade : null,
  }
  return { workload: there, away }
}

/**
 * Refuses what is for a workload at home, whose file names the database in use: a recovery of the one that was in use before the
 * last recovery would bring back what that had left behind.
 *
 * @throws LifeboatError `WorkloadAway`, `InvalidUsage`
 */
export async function refuseElsewhere(
  workload: Workload,
  executions: Pick<ExecutionsApi, 'list' | 'get'>,
): Promise<void> {
  const { away } = await whereaboutsOf(workload, executions)
  if (away) {
    const what = `'${workload.name}' is in ${away.region} since ${away.since}, by failover '${away.failover}'`
    throw new LifeboatError('WorkloadAway', what)
  }
  const last = await lastCompleted(executions, workload.name)
  if (!last || last.runbook === regionFailure.name) return
  const { instance } = workload.database
  const now = namesAfter(last)?.instance
  const before = (last.input as { workload: Workload }).workload.database.instance
  // A file that names neither is of a database that no execution knows.
  if (now === undefined || instance === now || instance !== before) return
  const what = `the workload file names '${instance}', and since '${last.id}' the database in use is '${now}'`
  throw new LifeboatError('InvalidUsage', what, { hint: 'Run lifeboat workload update first.' })
}

/** The newest recovery of a workload, of any kind, that has come to its end. */
export async function lastCompleted(
  executions: Pick<ExecutionsApi, 'list' | 'get'>,
  workload: string,
): Promise<Execution | undefined> {
  const newest = (await executions.list()).find((one) => one.owns === workload && isCompleted(one))
  return newest && (await executions.get(newest.id))
}

/** The newest failover of a workload that has come to its end and was not taken back; newest first. */
export async function findOpenFailover(
  executions: Pick<ExecutionsApi, 'list' | 'get'>,
  workload: string,
): Promise<Execution | undefined> {
  const newest = (await executions.list()).find(
    (one) =>
      one.owns === workload &&
      (one.runbook === regionFailure.name || one.runbook === failback.name) &&
      isCompleted(one),
  )
  return newest?.runbook === regionFailure.name ? await executions.get(newest.id) : undefined
}
