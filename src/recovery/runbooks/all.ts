import type { Runbook } from '../../runbook/runbook.ts'
import { planFor } from '../own-steps/plan.ts'
import { type RecoveryReport, type ReportedExecution, reportOf } from '../report.ts'
import type { Workload } from '../workload.ts'
import { dataCorruption } from './data-corruption.ts'
import { failbackReport } from './failback/report.ts'
import { failback } from './failback.ts'
import { regionFailureReport } from './region-failure/report.ts'
import { regionFailure } from './region-failure.ts'

/** Every runbook that Lifeboat knows. */
export const RUNBOOKS = [dataCorruption, regionFailure, failback] as const

/** The figures of an execution, as far as it has come. */
export function summary(execution: ReportedExecution): RecoveryReport {
  if (execution.runbook === regionFailure.name) return regionFailureReport(execution)
  return execution.runbook === failback.name ? failbackReport(execution) : reportOf(execution)
}

/** A runbook as it is for what an execution is started with: with the steps of the workload's own. */
export function planOf(runbook: Runbook, input: unknown): Runbook {
  const { workload } = input as { workload?: Workload }
  return workload ? planFor(runbook, workload) : runbook
}
