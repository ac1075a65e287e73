import type { GateKind, Json, Phase } from './runbook.ts'

export type ExecutionStatus =
  | 'running'
  | 'pendingApproval'
  | 'pausedByFailedStep'
  | 'pausedByOperator'
  | 'completed'
  | 'completedWithSkips'
  | 'failed'
  | 'canceled'
  /** The process that ran it is gone; `resume` goes on. */
  | 'interrupted'

/** Proven only when every step was: a skipped one leaves it unproven, never green (I10). */
export type Verdict = 'proven' | 'failed' | 'unproven' | 'unknown'

export type StepStatus =
  | 'notStarted'
  | 'running'
  | 'pendingApproval'
  | 'completed'
  | 'failed'
  | 'skipped'
  | 'canceled'
  | 'undone'

/** An error as a journal keeps it: what an operator may read, never the cause beneath it. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly hint?: string
}

export interface Attempt {
  readonly startedAt: Date
  readonly endedAt?: Date
  readonly error?: Failure
}

export interface GateRecord {
  readonly kind: GateKind
  readonly cost: readonly string[]
  readonly askedAt: Date
  readonly approvedAt?: Date
  readonly approvedBy?: string
}

export interface StepRecord {
  readonly name: string
  readonly title: string
  readonly phase: Phase
  readonly status: StepStatus
  readonly attempts: readonly Attempt[]
  readonly gate?: GateRecord
  readonly output?: Json
  /** Why it was skipped, or what could not be undone. */
  readonly reason?: string
  readonly progress?: { readonly message: string; readonly fraction?: number }
}

export interface Execution {
  readonly id: string
  readonly runbook: string
  readonly input: Json
  /** The workload that it owns while it lasts (I9). */
  readonly owns?: string
  readonly status: ExecutionStatus
  readonly verdict: Verdict
  readonly startedAt: Date
  readonly endedAt?: Date
  readonly steps: readonly StepRecord[]
}

export interface ExecutionEvent {
  readonly at: Date
  readonly kind: string
  readonly step?: string
  readonly text: string
}

/** What can be asked about executions and of them; a process that runs them and a client of one look the same. */
export interface ExecutionsApi {
  /** Begins an execution and returns its identifier. @throws LifeboatError `RunbookNotFound`, `ExecutionAlreadyRunning` */
  start(runbook: string, input: Json, options?: StartOptions): Promise<string>
  /** @throws LifeboatError `ExecutionNotFound` */
  get(id: string): Promise<Execution>
  /** Newest first. */
  list(): Promise<Execution[]>
  /** Resolves when `predicate` holds; `end` is a shorthand for every final status. */
  waitFor(id: string, predicate: 'end' | ((execution: Execution) => boolean)): Promise<Execution>
  /** What has happened and happens, until the execution has ended. */
  watch(id: string, signal?: AbortSignal): AsyncIterable<ExecutionEvent>
  /** Opens the gate that waits, or the named step's. @throws LifeboatError `ExecutionNotWaiting` */
  approve(id: string, o: { by: string; step?: string }): Promise<void>
  /** No further step begins; those that run go on to their end. */
  pause(id: string): Promise<void>
  /** Goes on after a pause, and takes over an execution whose process is gone. */
  resume(id: string): Promise<void>
  /** Tries failed steps again. */
  retry(id: string): Promise<void>
  /** Leaves out failed steps, for a reason; the execution can then not be proven. */
  skip(id: string, o: { reason: string; by: string; step?: string }): Promise<void>
  /** Ends the execution and undoes what it did. Refused once a one-way step has begun. */
  cancel(id: string, o: { by: string }): Promise<void>
}

export interface StartOptions {
  readonly id?: string
  readonly owns?: string
  /** Gates that open by themselves. */
  readonly autoApprove?: readonly GateKind[]
}

const FINAL: ReadonlySet<ExecutionStatus> = new Set([
  'completed',
  'completedWithSkips',
  'failed',
  'canceled',
])

export function hasEnded(execution: { readonly status: ExecutionStatus }): boolean {
  return FINAL.has(execution.status)
}
