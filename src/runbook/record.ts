import type { Attempt, Execution, ExecutionStatus, StepRecord } from './execution.ts'
import type { LockRecord } from './execution-lock.ts'
import { type Executor, isGone } from './executor.ts'
import { statusOf, verdictOf } from './rules.ts'
import type { GateKind, Json } from './runbook.ts'

/** Where undoing a step stands; absent when nobody wants it undone. Abandoned: left as it is, for a reason. */
export type UndoState = 'pending' | 'failed' | 'done' | 'abandoned'

/** An order to stop and to undo what was done. */
export interface Cancel {
  readonly by: string
  /** Failed: the runbook itself gave up, not a person. */
  readonly outcome: 'canceled' | 'failed'
}

export interface StepState extends StepRecord {
  readonly gateKind?: GateKind
  /** 1 for the first step of the execution that was completed. */
  readonly completedOrder?: number
  readonly undo?: UndoState
}

/** Everything that the journal knows of one execution. */
export interface ExecutionRecord {
  readonly id: string
  readonly runbook: string
  readonly input: Json
  readonly owns?: string
  readonly autoApprove: readonly GateKind[]
  readonly isPaused: boolean
  readonly cancel?: Cancel
  readonly outcome?: ExecutionStatus
  readonly startedAt: Date
  readonly endedAt?: Date
  /** Grows with every change. */
  readonly version: number
  /** Who executes it; absent when it was let go. */
  readonly executor?: Executor & { readonly heartbeatAgeSeconds: number }
  readonly steps: readonly StepState[]
  readonly lock?: LockRecord
}

/** Whether a process executes it. */
export function isLive({ executor }: Pick<ExecutionRecord, 'executor'>): boolean {
  return executor !== undefined && !isGone(executor, executor.heartbeatAgeSeconds)
}

/** The part of a record that others see. */
export function executionOf(record: ExecutionRecord): Execution {
  const status = statusOf(record, isLive(record))
  const { id, runbook, input, owns, startedAt, endedAt, steps, lock } = record
  return {
    id,
    runbook,
    input,
    ...(owns !== undefined && { owns }),
    status,
    isLive: record.outcome === undefined && isLive(record),
    verdict: verdictOf(status, steps),
    startedAt,
    ...(endedAt && { endedAt }),
    ...(lock && { lock }),
    steps: steps.map(({ gateKind: _, completedOrder: __, undo: ___, ...step }) => step),
  }
}

interface AttemptRow {
  readonly step: string
  readonly purpose: 'run' | 'undo'
  readonly number: number
  readonly started_at: string
  readonly ended_at: string | null
  readonly error: NonNullable<Attempt['error']> | null
}

interface GateRow {
  readonly step: string
  readonly cost: readonly string[]
  readonly asked_at: string
  readonly approved_at: string | null
  readonly approved_by: string | null
}

interface StepRow {
  readonly name: string
  readonly title: string
  readonly phase: StepRecord['phase']
  readonly gate_kind: GateKind | null
  readonly status: StepRecord['status']
  readonly output: Json
  readonly reason: string | null
  readonly progress: NonNullable<StepRecord['progress']> | null
  readonly completed_order: number | null
  readonly undo: UndoState | null
  readonly unproven: string | null
}

/** A row of `READ_RECORDS`. */
export interface RecordRow {
  readonly id: string
  readonly runbook: string
  readonly input: Json
  readonly owns: string | null
  readonly auto_approve: readonly GateKind[]
  readonly is_paused: boolean
  readonly cancel: Cancel | null
  readonly outcome: ExecutionStatus | null
  readonly started_at: Date
  readonly ended_at: Date | null
  readonly lock: LockRecord | null
  readonly version: string
  readonly executor: string | null
  readonly host: string
  readonly machine: string
  readonly pid: number
  readonly started_ticks: string
  readonly heartbeat_age: number
  readonly steps: readonly StepRow[] | null
  readonly gates: readonly GateRow[] | null
  readonly attempts: readonly AttemptRow[] | null
}

/** One statement, so that what it reads is of one moment. */
export const READ_RECORDS = `
  select e.*, x.host, x.machine, x.pid, x.started_ticks,
         extract(epoch from clock_timestamp() - x.heartbeat_at)::float8 as heartbeat_age,
         (select json_agg(s order by s.position) from runbook.steps s where s.execution = e.id) as steps,
         (select json_agg(g) from runbook.gates g where g.execution = e.id) as gates,
         (select json_agg(a order by a.number) from runbook.attempts a where a.execution = e.id) as attempts
  from runbook.executions e left join runbook.executors x on x.id = e.executor`

export function recordOf(row: RecordRow): ExecutionRecord {
  const { id, runbook, input, owns, cancel, outcome, executor } = row
  return {
    id,
    runbook,
    input,
    ...(owns !== null && { owns }),
    autoApprove: row.auto_approve,
    isPaused: row.is_paused,
    ...(cancel && { cancel }),
    ...(outcome && { outcome }),
    startedAt: row.started_at,
    ...(row.ended_at && { endedAt: row.ended_at }),
    version: Number(row.version),
    ...(row.lock && { lock: row.lock }),
    ...(executor !== null && {
      executor: {
        id: executor,
        host: row.host,
        machine: row.machine,
        pid: row.pid,
        startedTicks: Number(row.started_ticks),
        heartbeatAgeSeconds: row.heartbeat_age,
      },
    }),
    steps: (row.steps ?? []).map((step) => stepState(step, row)),
  }
}

function stepState(step: StepRow, { gates, attempts }: RecordRow): StepState {
  const gate = gates?.find((one) => one.step === step.name)
  const of = (purpose: AttemptRow['purpose']) =>
    (attempts ?? []).filter((one) => one.step === step.name && one.purpose === purpose).map(attempt)
  const undoAttempts = of('undo')
  return {
    name: step.name,
    title: step.title,
    phase: step.phase,
    status: step.status,
    attempts: of('run'),
    ...(undoAttempts.length > 0 && { undoAttempts }),
    ...(gate && step.gate_kind && { gate: gateRecord(gate, step.gate_kind) }),
    ...(step.completed_order !== null && { output: step.output }),
    ...(step.unproven !== null && { unproven: step.unproven }),
    ...(step.reason !== null && { reason: step.reason }),
    ...(step.progress && { progress: step.progress }),
    ...(step.gate_kind && { gateKind: step.gate_kind }),
    ...(step.completed_order !== null && { completedOrder: step.completed_order }),
    ...(step.undo && { undo: step.undo }),
  }
}

function attempt({ started_at, ended_at, error }: AttemptRow): Attempt {
  return {
    startedAt: new Date(started_at),
    ...(ended_at !== null && { endedAt: new Date(ended_at) }),
    ...(error && { error }),
  }
}

function gateRecord(row: GateRow, kind: GateKind): NonNullable<StepRecord['gate']> {
  return {
    kind,
    cost: row.cost,
    askedAt: new Date(row.asked_at),
    ...(row.approved_at !== null && { approvedAt: new Date(row.approved_at) }),
    ...(row.approved_by !== null && { approvedBy: row.approved_by }),
  }
}
