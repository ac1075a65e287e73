import { type RecoveryReport, summary, type Workload } from '../recovery/recovery.ts'
import { type ExecutionsApi, hasEnded } from '../runbook/execution.ts'

/** The newest recovery of a workload that has ended; undefined when there was none. */
export async function lastRecovery(
  executions: ExecutionsApi,
  workload: Workload,
): Promise<RecoveryReport | undefined> {
  const ended = (await executions.list()).find(
    (execution) => execution.owns === workload.name && hasEnded(execution),
  )
  return ended && summary(await executions.get(ended.id))
}
