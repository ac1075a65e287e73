import type { LockRecord } from './execution-lock.ts'
import type { GateKind, Json, JsonObject, Phase } from './runbook.ts'

export type ExecutionStatus =
  | 'running'
  | 'pendingApproval'
  | 'pausedByFailedStep'
  | 'pausedByOperator'
  | 'completed'
  | 'completedWithSkips'
  | 'failed'
  | 'canceled'
  /** The process that ran it is gone in the middle of something; `resume` goes on. */
  | 'interrupted'

/** Proven only when every step was: a skipped one, or one that proves nothing, leaves it unproven, never green (I10). */
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
  /** How its effect was taken back, where that was tried. */
  readonly undoAttempts?: readonly Attempt[]
  readonly gate?: GateRecord
  readonly output?: Json
  /** Why what it reaches stays unknown although it ends well. */
  readonly unproven?: string
  /** Why it was skipped, or what became of undoing it. */
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
  /** Whether a process executes it; if not, whoever decides something for it takes it up. */
  readonly isLive: boolean
  readonly verdict: Verdict
  readonly startedAt: Date
  readonly endedAt?: Date
  /** Where Lifeboats on several machines share a lock, how this execution came to it. */
  readonly lock?: LockRecord
  readonly steps: readonly StepRecord[]
}

export interface ExecutionEvent {
  /** Grows from event to event. */
  readonly id: string
  readonly at: Date
  readonly kind: string
  readonly step?: string
  readonly text: string
}

/**
 * What can be asked about executions and of them; a process that runs them and a client of one look the same.
 *
 * What an operator decides about an execution that no process runs is written down, and whoever is asked goes on with it.
 *
 * @throws LifeboatError `ExecutionNotFound`; `ExecutionNotWaiting` when that cannot be asked of it in its state
 */
export interface ExecutionsApi {
  /** Begins an execution and returns its identifier. @throws LifeboatError `RunbookNotFound`, `ExecutionAlreadyRunning`, `ExecutionLocked` */
  start(runbook: string, input: Json, options?: StartOptions): Promise<string>
  get(id: string): Promise<Execution>
  /** Newest first. */
  list(): Promise<Execution[]>
  /** Resolves when `predicate` holds or the execution has ended, with what is then known of it. */
  waitFor(
    id: string,
    predicate: 'end' | ((execution: Execution) => boolean),
    signal?: AbortSignal,
  ): Promise<Execution>
  /** What has happened and happens, until the execution has ended. */
  watch(id: string, signal?: AbortSignal): AsyncIterable<ExecutionEvent>
  /** Opens the gate that waits; where several do, the named step's. */
  approve(id: string, o: { by: string; step?: string }): Promise<void>
  /** No further step begins; those that run go on to their end. */
  pause(id: string): Promise<void>
  /**
   * Goes on after a pause, and with an execution whose process is gone; `takeOver` as in `StartOptions`. One of another
   * machine goes on from the copy of its journal that lies with the lock.
   */
  resume(id: string, o?: ResumeOptions): Promise<void>
  /** Tries again what failed: steps, or while canceling the undoing of one. */
  retry(id: string): Promise<void>
  /** Leaves out the failed step, or what could not be undone, for a reason; the execution is then not proven. */
  skip(id: string, o: { reason: string; by: string; step?: string }): Promise<void>
  /** Stops and undoes what was done, newest first. Refused once a one-way step has begun. */
  cancel(id: string, o: { by: string }): Promise<void>
}

export interface ResumeOptions {
  readonly takeOver?: string
  readonly elsewhere?: Elsewhere
}

/** What is known of an execution that another machine had. */
export interface Elsewhere {
  /** What its input must have been, by all that is known here; its lock is found by it. */
  readonly input: JsonObject
  /** What of its input is otherwise on this machine; null takes a value away. */
  readonly here: JsonObject
}

export interface StartOptions {
  readonly id?: string
  readonly owns?: string
  /** Why the lock of the workload is taken away from an execution of another Lifeboat, if one has it. */
  readonly takeOver?: string
  /** Gates that open by themselves. */
  readonly autoApprove?: readonly GateKind[]
}

const FINAL: ReadonlySet<ExecutionStatus> = new Set([
  'completed',
  'completedWithSkips',
  'failed',
  'canceled',
])

/** It has come to its end, though steps may have been skipped. */
export function isCompleted({ status }: { readonly status: string }): boolean {
  return status === 'completed' || status === 'completedWithSkips'
}

export function hasEnded(execution: { readonly status: ExecutionStatus }): boolean {
  return FINAL.has(execution.status)
}
