/**
 * What may happen next in an execution, as rules on its record: no time, no database, no promises.
 */
import type { ExecutionStatus, StepRecord, Verdict } from './execution.ts'
import { hasBegun } from './failure.ts'
import type { ExecutionRecord } from './record.ts'

type StepState = ExecutionRecord['steps'][number]

/** Steps after it may begin. */
export function isPassed({ status }: Pick<StepRecord, 'status'>): boolean {
  return status === 'completed' || status === 'skipped'
}

/** Nothing more will be tried of this step itself; undoing it is another matter. */
export function isSettled({ status }: Pick<StepRecord, 'status'>): boolean {
  return isPassed({ status }) || status === 'canceled' || status === 'undone'
}

/** Whether the steps before it are done and nobody and nothing holds the execution back. */
export function mayBegin(
  record: ExecutionRecord,
  step: { readonly name: string; readonly after: readonly string[] },
): boolean {
  if (record.outcome || record.cancel || record.isPaused) return false
  if (record.steps.some(({ status }) => status === 'failed')) return false
  const { status } = stepOf(record, step.name)
  if (status !== 'notStarted' && status !== 'pendingApproval') return false
  return step.after.every((name) => isPassed(stepOf(record, name)))
}

/** @param isLive  whether a process executes it */
export function statusOf(record: ExecutionRecord, isLive: boolean): ExecutionStatus {
  if (record.outcome) return record.outcome
  const waitsFor = waitingStatus(record)
  const isInTheMiddle = record.steps.some(({ status }) => status === 'running')
  if (!isLive && (waitsFor === undefined || isInTheMiddle)) return 'interrupted'
  return waitsFor ?? 'running'
}

/** What of a person the execution waits for. */
function waitingStatus({ steps, isPaused, cancel }: ExecutionRecord): ExecutionStatus | undefined {
  const failed = steps.some(({ status, undo }) =>
    cancel ? undo === 'failed' : status === 'failed',
  )
  if (failed) return 'pausedByFailedStep'
  if (cancel) return undefined
  if (isPaused) return 'pausedByOperator'
  return steps.some(({ status }) => status === 'pendingApproval') ? 'pendingApproval' : undefined
}

/** Proven only when every step was completed and proves something: a skipped one is never green (I10). */
export function verdictOf(
  status: ExecutionStatus,
  steps: readonly Pick<StepRecord, 'unproven'>[],
): Verdict {
  const isProven = steps.every(({ unproven }) => unproven === undefined)
  if (status === 'completed') return isProven ? 'proven' : 'unproven'
  if (status === 'completedWithSkips' || status === 'canceled') return 'unproven'
  return status === 'failed' ? 'failed' : 'unknown'
}

/** Why canceling is refused: once a one-way step has begun there is only forward (I6). */
export function cancelRefusal({ steps }: ExecutionRecord): string | undefined {
  const begun = steps.find(
    ({ gateKind, attempts }) => gateKind === 'oneWay' && attempts.some(hasBegun),
  )
  if (!begun) return undefined
  return `'${begun.name}' has begun, which cannot be undone: there is only forward`
}

/** Completed steps whose effects are to be taken back, newest first. */
export function undoOrder({ steps }: ExecutionRecord): string[] {
  return steps
    .filter(({ completedOrder }) => completedOrder !== undefined)
    .sort((a, b) => b.completedOrder! - a.completedOrder!)
    .map(({ name }) => name)
}

/** How an execution ends, when nothing more is to be done. */
export function outcomeOf({ steps, cancel }: ExecutionRecord): ExecutionStatus {
  if (cancel) return steps.some(({ undo }) => undo === 'abandoned') ? 'failed' : cancel.outcome
  return steps.some(({ status }) => status === 'skipped') ? 'completedWithSkips' : 'completed'
}

export function stepOf(record: ExecutionRecord, name: string): StepState {
  const found = record.steps.find((step) => step.name === name)
  if (!found) throw new RangeError(`execution '${record.id}' has no step '${name}'`)
  return found
}
