import type { World } from '../aws/region-client.ts'
import type { Fence } from './fence.ts'
import type { JointLossCount, LossCount } from './loss.ts'
import { type JournalStep, measureRecovery, type RecoveryTime } from './phase-clock.ts'
import type { Bounds } from './recovery-point.ts'
import type { Identified } from './runbooks/data-corruption/identify.ts'
import type { Protected } from './runbooks/data-corruption/protect.ts'
import type { Rearmed } from './runbooks/data-corruption/re-arm.ts'
import type { Restored } from './runbooks/data-corruption/restore.ts'
import type { RestoredObjects } from './runbooks/data-corruption/restore-objects.ts'
import type { PutBack, Salvaged } from './runbooks/data-corruption/salvage-rows.ts'
import type { Switched } from './runbooks/data-corruption/switch-consumers.ts'
import type { DataCorruption } from './runbooks/data-corruption/tools.ts'
import type { Verified } from './runbooks/data-corruption/verify.ts'
import type { VerifiedObjects } from './runbooks/data-corruption/verify-objects.ts'

/** What the steps of `data-corruption` have found out; a step that has not run, or was skipped, is missing. */
export interface DataCorruptionOutputs {
  readonly identify?: Identified
  readonly 'stop-writes'?: Fence & { readonly stoppedAt: string }
  readonly restore?: Restored
  readonly 'restore-control'?: Restored
  readonly 'restore-objects'?: RestoredObjects
  readonly verify?: Verified
  readonly 'verify-objects'?: VerifiedObjects
  readonly 're-arm'?: Rearmed
  readonly switch?: Switched
  readonly salvage?: Salvaged
  readonly 'put-back'?: PutBack
  readonly 'put-objects-back'?: VerifiedObjects
  readonly 'count-loss'?: JointLossCount | null
  readonly protect?: Protected
  readonly document?: { readonly incidentFile: string }
}

/** Acknowledged writes that are gone from one store. */
export type StoreLoss = Pick<DataLoss, 'writes' | 'oldestSeconds' | 'acknowledged'>

/**
 * Acknowledged writes that are gone, and how far back the oldest lies (I11). A write that went to the database and to a
 * bucket is lost when either has lost it.
 */
export type DataLoss = {
  /** After salvage; null when nobody kept a record of acknowledged writes. */
  readonly writes: number | null
  /** Rows put back: of the ledger's own table when there is a ledger, else of all. */
  readonly salvaged: number
  /** From the acknowledgement of the oldest lost write to the moment when writes were stopped; 0 when none is lost. */
  readonly oldestSeconds: number | null
  readonly acknowledged: number | null
  /** Each store for itself; null when it was not written to, or nobody kept a record. */
  readonly database: StoreLoss | null
  readonly objects: StoreLoss | null
}

export type InstanceReport = { readonly instance: string; readonly endpoint: string }

/** What a recovery was, in figures that anybody can recount. */
export type RecoveryReport = {
  readonly execution: string
  readonly runbook: string
  readonly workload: string
  readonly world: World | 'unknown'
  readonly verdict: string
  readonly status: string
  readonly recoveryPoint: string | null
  readonly recoveryTime: RecoveryTime
  readonly dataLoss: DataLoss
  /** Of a failover: what was said to be lost before it was; null before that, and where nothing is given up. */
  readonly announcedLoss: { readonly seconds: number | null; readonly writes: number | null } | null
  /** Of a failover: how sure it is that the old database takes no writes. */
  readonly fence: string | null
  readonly objectives: {
    readonly rtoSeconds: number
    readonly rpoSeconds: number
    /** Null: not measured, which is not met. */
    readonly isRtoMet: boolean | null
    readonly isRpoMet: boolean | null
  }
  readonly isProtected: boolean
  readonly ledgerFile: string | null
  readonly incidentFile: string | null
  readonly source: InstanceReport | null
  readonly restored: InstanceReport | null
}

/** The part of an execution's record that a report is made of. */
export interface ReportedExecution {
  readonly id: string
  readonly runbook: string
  readonly status: string
  readonly verdict: string
  readonly startedAt: Date | string
  readonly input: unknown
  readonly steps: readonly (JournalStep & {
    readonly name: string
    readonly output?: unknown
  })[]
}

/** The figures of a `data-corruption` execution, as far as it has come. */
export function reportOf(execution: ReportedExecution): RecoveryReport {
  const input = execution.input as DataCorruption
  const outputs: DataCorruptionOutputs = outputsOf(execution)
  const { identify: found, restore, document, protect } = outputs
  const recoveryTime = timeOf(execution, outputs)
  const dataLoss = lossOf(input, outputs)
  const { rtoSeconds, rpoSeconds } = input.workload.objectives
  return {
    execution: execution.id,
    runbook: execution.runbook,
    workload: input.workload.name,
    world: found?.world ?? 'unknown',
    verdict: execution.verdict,
    status: execution.status,
    recoveryPoint: found?.recoveryPoint.time ?? null,
    recoveryTime,
    dataLoss,
    announcedLoss: null,
    fence: null,
    objectives: {
      rtoSeconds,
      rpoSeconds,
      isRtoMet: isAtMost(recoveryTime.totalSeconds, rtoSeconds),
      isRpoMet: isAtMost(dataLoss.oldestSeconds, rpoSeconds),
    },
    isProtected: protect !== undefined,
    ledgerFile: input.ledger?.path ?? null,
    incidentFile: document?.incidentFile ?? null,
    source: found ? instanceReport(found.source) : null,
    restored: restore ? instanceReport(restore) : null,
  }
}

/** What the steps of an execution have found out, by their names. */
export function outputsOf<Outputs extends object = DataCorruptionOutputs>(
  execution: Pick<ReportedExecution, 'steps'>,
): Partial<Outputs> {
  const entries = execution.steps
    .filter((step) => step.output !== undefined && step.output !== null)
    .map((step) => [step.name, step.output] as const)
  return Object.fromEntries(entries) as Partial<Outputs>
}

/** Times of the database's clock are moved to ours before they are compared with ours. */
export function timeOf(
  execution: Pick<ReportedExecution, 'startedAt' | 'steps'>,
  { identify: found, switch: switched }: DataCorruptionOutputs,
): RecoveryTime {
  const skewMs = found?.firstBad?.skewMs ?? 0
  const shift = (time: string | null) =>
    time === null ? null : new Date(Date.parse(time) + skewMs).toISOString()
  const { from = null, to = null } = found ? damageBegan(found) : {}
  const damagedAt: Bounds = { from: shift(from), to: shift(to) }
  return measureRecovery(
    {
      damagedAt,
      detectedAt: found?.firstBad ? new Date(found.firstBad.knownAt) : null,
      startedAt: new Date(execution.startedAt),
      firstVerifiedWriteAt: switched ? new Date(switched.firstWriteAt) : null,
    },
    execution.steps,
  )
}

/** Objects may have vanished before the database was damaged. */
function damageBegan({ recoveryPoint, objectDamage }: Identified): Bounds {
  const { damagedAt } = recoveryPoint
  const { at = null } = objectDamage.vanished ?? {}
  const isEarlier =
    at !== null && damagedAt.from !== null && Date.parse(at) < Date.parse(damagedAt.from)
  return isEarlier ? { from: at, to: at } : damagedAt
}

export function lossOf(input: DataCorruption, outputs: DataCorruptionOutputs): DataLoss {
  const { 'count-loss': loss, 'put-back': putBack, 'stop-writes': fenced } = outputs
  const table = input.ledger?.table
  const salvaged =
    table === undefined
      ? (putBack?.rows ?? 0)
      : (putBack?.byTable[table.includes('.') ? table : `public.${table}`] ?? 0)
  const nothing = { writes: null, oldestSeconds: null, acknowledged: null }
  if (!loss) return { ...nothing, salvaged, database: null, objects: null }
  const of = (count: LossCount) => storeLoss(count, fenced?.stoppedAt)
  const { database, objects } = loss.stores
  return { ...of(loss), salvaged, database: of(database), objects: objects && of(objects) }
}

/** The data loss as it is at a later moment than that of the report: the same losses are as old as they were. */
export function lossAt(count: JointLossCount, { dataLoss }: RecoveryReport): DataLoss {
  const { database, objects } = count.stores
  const at = (now: LossCount, then: StoreLoss | null): StoreLoss => {
    const writes = now.lost + now.altered
    const isSame = writes === then?.writes
    const oldestSeconds = now.oldestLostAt === null ? 0 : isSame ? then.oldestSeconds : null
    return { writes, oldestSeconds, acknowledged: now.acknowledged }
  }
  return {
    ...at(count, dataLoss),
    salvaged: dataLoss.salvaged,
    database: at(database, dataLoss.database),
    objects: objects && at(objects, dataLoss.objects),
  }
}

function storeLoss(
  { lost, altered, oldestLostAt, acknowledged }: LossCount,
  stoppedAt: string | undefined,
): StoreLoss {
  const ageOf = (at: string) =>
    stoppedAt === undefined ? null : Math.max(0, (Date.parse(stoppedAt) - Date.parse(at)) / 1000)
  const oldestSeconds = oldestLostAt === null ? 0 : ageOf(oldestLostAt)
  return { writes: lost + altered, oldestSeconds, acknowledged }
}

export function instanceReport(of: {
  instance: string
  endpoint: { host: string; port: number }
}): InstanceReport {
  return { instance: of.instance, endpoint: `${of.endpoint.host}:${of.endpoint.port}` }
}

export const isAtMost = (measured: number | null, objective: number) =>
  measured === null ? null : measured <= objective
