import type { JointLossCount } from '../../loss.ts'
import { measureRecovery, type RecoveryTime } from '../../phase-clock.ts'
import {
  type DataLoss,
  instanceReport,
  isAtMost,
  outputsOf,
  type RecoveryReport,
  type ReportedExecution,
  type StoreLoss,
} from '../../report.ts'
import { type LossBound, lossSeconds } from './bound-loss.ts'
import type { Confirmed } from './confirm.ts'
import type { Drained } from './drain-primary.ts'
import type { FailbackPlan } from './failback-plan.ts'
import type { Fenced } from './fence-primary.ts'
import type { MovedDns } from './move-dns.ts'
import type { Promoted } from './promote.ts'
import type { ProtectedThere } from './protect-recovered.ts'
import type { Ready } from './readiness.ts'
import type { RegionFailure } from './tools.ts'
import type { VerifiedWrite } from './verify-write.ts'

/** What the steps of `region-failure` have found out; a step that has not run, or was skipped, is missing. */
export interface RegionFailureOutputs {
  readonly confirm?: Confirmed
  readonly readiness?: Ready
  readonly fence?: Fenced
  readonly 'bound-loss'?: LossBound
  readonly promote?: Promoted
  readonly verify?: VerifiedWrite
  readonly dns?: MovedDns
  readonly 'drain-primary'?: Drained
  readonly 'count-loss'?: JointLossCount | null
  readonly 'plan-failback'?: FailbackPlan
  readonly protect?: ProtectedThere
  readonly document?: { readonly incidentFile: string }
}

/** The figures of a `region-failure` execution, as far as it has come. */
export function regionFailureReport(execution: ReportedExecution): RecoveryReport {
  const input = execution.input as RegionFailure
  const outputs: RegionFailureOutputs = outputsOf(execution)
  const { workload } = input
  const { promote, fence, protect, document } = outputs
  const recoveryTime = failoverTime(execution, outputs)
  const dataLoss = failoverLoss(outputs)
  const { rtoSeconds, rpoSeconds } = workload.objectives
  return {
    execution: execution.id,
    runbook: execution.runbook,
    workload: workload.name,
    world: outputs.readiness?.world ?? 'unknown',
    verdict: execution.verdict,
    status: execution.status,
    recoveryPoint: outputs['bound-loss']?.newestCommitAt ?? null,
    recoveryTime,
    dataLoss,
    announcedLoss: announcedLoss(outputs),
    fence: fence?.grade ?? null,
    objectives: {
      rtoSeconds,
      rpoSeconds,
      isRtoMet: isAtMost(recoveryTime.totalSeconds, rtoSeconds),
      isRpoMet: isAtMost(dataLoss.oldestSeconds, rpoSeconds),
    },
    isProtected: protect !== undefined,
    ledgerFile: input.ledger?.path ?? null,
    incidentFile: document?.incidentFile ?? null,
    source: fence
      ? instanceReport({ instance: workload.database.instance, endpoint: fence.endpoint })
      : null,
    restored: promote ? instanceReport(promote) : null,
  }
}

/** The damage is done with the newest write that was acknowledged: after it nobody was served. */
export function failoverTime(
  execution: Pick<ReportedExecution, 'startedAt' | 'steps'>,
  { confirm, dns, 'bound-loss': bound }: RegionFailureOutputs,
): RecoveryTime {
  const lastServedAt = bound?.lastServedAt ?? null
  return measureRecovery(
    {
      damagedAt: { from: lastServedAt, to: lastServedAt },
      detectedAt: confirm ? new Date(confirm.seenAt) : null,
      startedAt: new Date(execution.startedAt),
      firstVerifiedWriteAt: dns ? new Date(dns.firstWriteAt) : null,
    },
    execution.steps,
  )
}

export function failoverLoss({
  'count-loss': loss,
  'bound-loss': bound,
}: RegionFailureOutputs): DataLoss {
  const nothing = { writes: null, oldestSeconds: null, acknowledged: null }
  if (!loss) return { ...nothing, salvaged: 0, database: null, objects: null }
  const of = (count: Omit<JointLossCount, 'stores'>): StoreLoss => ({
    writes: count.lost + count.altered,
    oldestSeconds: lossSeconds(count.oldestLostAt, bound?.lastServedAt ?? loss.newestAt),
    acknowledged: count.acknowledged,
  })
  const { database, objects } = loss.stores
  return { ...of(loss), salvaged: 0, database: of(database), objects: objects && of(objects) }
}

/** What the one-way gate said would be lost. */
function announcedLoss({
  'bound-loss': bound,
}: RegionFailureOutputs): RecoveryReport['announcedLoss'] {
  if (!bound) return null
  const { seconds, count } = bound
  return { seconds, writes: count && count.lost + count.altered }
}
