/**
 * What the process that executes writes about it. Each may be asked for again when it is unknown whether it was written. What
 * is said of a try counts for that try alone: a process that stood still may come to say it when it already tries anew.
 */
import type { Failure } from './execution.ts'
import type { Journal } from './journal.ts'
import type { JournalEdit } from './journal-edit.ts'
import type { ExecutionRecord } from './record.ts'
import { cancelRefusal, isSettled, mayBegin, outcomeOf, stepOf, undoOrder } from './rules.ts'
import type { Json, Step } from './runbook.ts'

export class Transitions {
  constructor(
    private readonly journal: Journal,
    private readonly id: string,
    private readonly executor: string,
  ) {}

  /** Notes that a gate waits, and what opening it will cost as of this moment. */
  ask(step: Step, cost: readonly string[], approve: 'ahead' | undefined): Promise<void> {
    return this.#change(async (record, edit) => {
      if (!mayBegin(record, step)) return
      await edit.gateAsks(step.name, cost)
      await edit.event('gateAsked', cost.join('; '), step.name)
      if (approve) {
        await edit.gateOpens(step.name, 'approved ahead')
        await edit.event('gateApproved', 'approved ahead', step.name)
      } else {
        await edit.step(step.name, { status: 'pendingApproval' })
      }
    })
  }

  /** Notes that a try begins, before anything of it happens. False: the execution was held back meanwhile. */
  beginRun(step: Step, number: number): Promise<boolean> {
    return this.#change(async (record, edit) => {
      const { attempts, status } = stepOf(record, step.name)
      if (status === 'running' && attempts.length === number) return true
      if (!mayBegin(record, step)) return false
      await edit.step(step.name, { status: 'running', progress: null })
      await edit.attemptBegins(step.name, 'run', number)
      await edit.event('stepBegan', step.title, step.name)
      return true
    })
  }

  complete(step: Step, number: number, output: Json): Promise<void> {
    return this.#change(async (record, edit) => {
      if (!isRunning(record, step, number)) return
      const completed = record.steps.filter(({ completedOrder }) => completedOrder !== undefined)
      await edit.attemptsEnd(step.name)
      await edit.step(step.name, {
        status: 'completed',
        output,
        completed_order: completed.length + 1,
      })
      await edit.event('stepCompleted', step.title, step.name)
    })
  }

  /** Ends a try that did not succeed; the step may be tried again. */
  tryAgain(step: Step, number: number, failure: Failure): Promise<void> {
    return this.#endRun(step, number, 'notStarted', failure, 'stepTriedAgain')
  }

  /** Ends a try, and asks a person. */
  fail(step: Step, number: number, failure: Failure): Promise<void> {
    return this.#endRun(step, number, 'failed', failure, 'stepFailed')
  }

  #endRun(
    step: Step,
    number: number,
    status: 'notStarted' | 'failed',
    failure: Failure,
    event: string,
  ): Promise<void> {
    return this.#change(async (record, edit) => {
      if (!isRunning(record, step, number)) return
      await edit.attemptsEnd(step.name, failure)
      await edit.step(step.name, { status })
      await edit.event(event, failure.message, step.name)
    })
  }

  /** The runbook gives up by itself. Where there is only forward it does not, and a person is asked. */
  abort(step: Step): Promise<void> {
    return this.#change(async (record, edit) => {
      if (record.cancel || cancelRefusal(record)) return
      const by = `the deadline of '${step.name}'`
      await edit.execution({ cancel: { by, outcome: 'failed' } })
      await edit.event('canceled', by, step.name)
    })
  }

  /** The execution was canceled before the step was done. One that failed stays so. */
  cancelStep(step: Step): Promise<void> {
    return this.#change(async (record, edit) => {
      const state = stepOf(record, step.name)
      if (isSettled(state) || state.status === 'failed') return
      await edit.attemptsEnd(step.name, { code: 'ExecutionCanceled', message: 'canceled' })
      await edit.step(step.name, { status: 'canceled' })
      await edit.event('stepCanceled', step.title, step.name)
    })
  }

  /** What is to be undone, newest first; empty unless the execution was canceled. */
  planUndo(canUndo: (step: string) => string | undefined): Promise<string[]> {
    return this.#change(async (record, edit) => {
      if (!record.cancel) return []
      const order = undoOrder(record)
      for (const name of order) {
        if (stepOf(record, name).undo) continue
        const reason = canUndo(name)
        if (reason) await edit.step(name, { reason: `nothing to undo: ${reason}`, undo: 'done' })
        else await edit.step(name, { undo: 'pending' })
      }
      return order.filter((name) => canUndo(name) === undefined)
    })
  }

  beginUndo(step: Step, number: number): Promise<boolean> {
    return this.#change(async (record, edit) => {
      const { undo, undoAttempts = [] } = stepOf(record, step.name)
      if (undo !== 'pending') return false
      if (undoAttempts.length === number) return true
      await edit.attemptBegins(step.name, 'undo', number)
      await edit.event('undoBegan', step.title, step.name)
      return true
    })
  }

  undone(step: Step, number: number): Promise<void> {
    return this.#change(async (record, edit) => {
      if (!isBeingUndone(record, step, number)) return
      await edit.attemptsEnd(step.name)
      await edit.step(step.name, { status: 'undone', undo: 'done' })
      await edit.event('stepUndone', step.title, step.name)
    })
  }

  /** @param isLast  no further try is made by itself: a person is asked */
  undoFailed(step: Step, number: number, failure: Failure, isLast: boolean): Promise<void> {
    return this.#change(async (record, edit) => {
      if (!isBeingUndone(record, step, number)) return
      await edit.attemptsEnd(step.name, failure)
      await edit.event('undoFailed', failure.message, step.name)
      if (!isLast) return
      const reason = `could not be undone: ${failure.message}`
      await edit.step(step.name, { status: 'failed', undo: 'failed', reason })
    })
  }

  end(): Promise<string> {
    return this.#change(async (record, edit) => {
      if (record.outcome) return record.outcome
      const outcome = outcomeOf(record)
      await edit.execution({ outcome, ended_at: edit.at })
      await edit.event('ended', outcome)
      return outcome
    })
  }

  #change<Result>(
    decide: (record: ExecutionRecord, edit: JournalEdit) => Promise<Result>,
  ): Promise<Result> {
    return this.journal.change(this.id, decide, this.executor)
  }
}

function isRunning(record: ExecutionRecord, { name }: Step, number: number): boolean {
  const { status, attempts } = stepOf(record, name)
  return status === 'running' && attempts.length === number
}

function isBeingUndone(record: ExecutionRecord, { name }: Step, number: number): boolean {
  const { undo, undoAttempts = [] } = stepOf(record, name)
  return undo === 'pending' && undoAttempts.length === number
}
