import { measureRecovery } from '../../phase-clock.ts'
import {
  type DataLoss,
  instanceReport,
  isAtMost,
  outputsOf,
  type RecoveryReport,
  type ReportedExecution,
} from '../../report.ts'
import type { RegionFailureOutputs } from '../region-failure/report.ts'
import type { RegionFailure } from '../region-failure/tools.ts'
import type { FailbackOutputs } from './document.ts'
import { type Failback, notReady } from './tools.ts'

/**
 * What a failback is started with, from the failover that it takes back.
 *
 * @throws LifeboatError `RecoveryRegionNotReady` when that has not come to its end
 */
export function failbackInput(
  failover: ReportedExecution,
  o: Pick<Failback, 'incidentFolder' | 'ledger'>,
): Failback {
  const { workload } = failover.input as RegionFailure
  const outputs: RegionFailureOutputs = outputsOf(failover)
  const { readiness, fence, promote, dns, 'bound-loss': bound, 'count-loss': loss } = outputs
  if (!readiness || !fence || !promote || !bound || !dns) {
    throw notReady(`failover '${failover.id}' has not come to its end`)
  }
  return {
    ...o,
    workload,
    failover: {
      execution: failover.id,
      promoted: promote,
      fenced: fence,
      ready: readiness,
      snapshot: bound.snapshot,
      lostWrites: loss ? loss.lost + loss.altered : null,
    },
  }
}

/** The figures of a `failback` execution, as far as it has come. Its recovery time is how long customers waited. */
export function failbackReport(execution: ReportedExecution): RecoveryReport {
  const input = execution.input as Failback
  const outputs: FailbackOutputs = outputsOf(execution)
  const { workload, failover } = input
  const { promote, protect, document, prove, dns } = outputs
  const stopped = outputs['stop-writes']
  const { rtoSeconds, rpoSeconds } = workload.objectives
  const stoppedAt = stopped?.fencedAt ?? null
  const recoveryTime = measureRecovery(
    {
      damagedAt: { from: stoppedAt, to: stoppedAt },
      detectedAt: stoppedAt === null ? null : new Date(stoppedAt),
      startedAt: new Date(execution.startedAt),
      firstVerifiedWriteAt: dns ? new Date(dns.firstWriteAt) : null,
    },
    execution.steps,
  )
  const dataLoss = lossOnTheWay(input, outputs)
  return {
    execution: execution.id,
    runbook: execution.runbook,
    workload: workload.name,
    world: failover.ready.world,
    verdict: execution.verdict,
    status: execution.status,
    recoveryPoint: prove?.newestCommitAt ?? null,
    recoveryTime,
    dataLoss,
    announcedLoss: prove ? { seconds: prove.seconds, writes: 0 } : null,
    fence: stopped?.grade ?? null,
    objectives: {
      rtoSeconds,
      rpoSeconds,
      isRtoMet: isAtMost(recoveryTime.totalSeconds, rtoSeconds),
      isRpoMet: isAtMost(dataLoss.writes, 0),
    },
    isProtected: protect !== undefined,
    ledgerFile: input.ledger?.path ?? null,
    incidentFile: document?.incidentFile ?? null,
    source: instanceReport(failover.promoted),
    restored: promote ? instanceReport(promote) : null,
  }
}

/** What the failover had lost already is not lost on the way home. */
function lossOnTheWay({ failover }: Failback, { 'count-loss': loss }: FailbackOutputs): DataLoss {
  const none = { writes: null, oldestSeconds: null, acknowledged: null }
  if (!loss) return { ...none, salvaged: 0, database: null, objects: null }
  const writes = loss.lost + loss.altered - (failover.lostWrites ?? 0)
  return {
    ...{ writes, oldestSeconds: writes === 0 ? 0 : null, acknowledged: loss.acknowledged },
    ...{ salvaged: 0, database: null, objects: null },
  }
}
