import { setMaxListeners } from 'node:events'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { attempt, type Outcome } from './attempt.ts'
import { Bodies } from './bodies.ts'
import { outputsBefore } from './done.ts'
import type { DurableWork } from './durable-engine.ts'
import type { Failure } from './execution.ts'
import { failureOf, isRetryable, NOT_BEGUN } from './failure.ts'
import type { Follower } from './follow.ts'
import { Displaced, type Journal } from './journal.ts'
import { journalValue } from './journal-values.ts'
import { ProgressLine } from './progress.ts'
import type { ExecutionRecord } from './record.ts'
import { isSettled, mayBegin, stepOf } from './rules.ts'
import type { Json, Runbook, Step, StepContext } from './runbook.ts'
import { isUnreachable } from './state-database.ts'
import { Transitions } from './transitions.ts'

/** How often a failure that may pass is met with another try, before a person is asked. */
const TRIES = 5
const FIRST_BACKOFF_MS = 500
const LONGEST_BACKOFF_MS = 15_000
const AWAY_MS = 500
const COST_DEADLINE_SECONDS = 60

type Context = StepContext<never, Record<string, Json>, never>

export interface DriverOptions {
  readonly id: string
  readonly runbook: Runbook
  readonly executor: string
  readonly journal: Journal
  readonly follower: Follower
  readonly tools: (record: ExecutionRecord) => unknown
  /** Proves, before anything of a step happens, that no other Lifeboat has the workload, and leaves a copy of the journal. */
  readonly confirm: (signal: AbortSignal) => Promise<void>
  readonly clock: Clock
  readonly onLog: (line: string) => void
  /** Called when the execution has ended. */
  readonly onEnd: () => void
  /** Called when nothing is left but to record that it has ended. */
  readonly onLastStep: () => Promise<void>
  /** Called when executing itself broke, not a step. */
  readonly onBroken: (error: Error) => void
}

/**
 * Executes one execution in this process.
 *
 * Every step has a task that waits until the record lets it begin, and sees it through to its end; so independent steps run
 * side by side, and what an operator decides, here or in another process, is seen by all of them. What is recorded is the
 * truth: a task that is begun again after a crash finds its step completed and does nothing.
 *
 * A driver that is parked leaves everything as it is, for whoever resumes: its tasks never end.
 */
export class Driver implements DurableWork {
  readonly steps: readonly string[]
  readonly #parked = new AbortController()
  readonly #canceled = new AbortController()
  readonly #abandoned = new AbortController()
  readonly #bodies = new Bodies()
  readonly #transitions: Transitions
  #tools: Promise<unknown> | undefined

  constructor(private readonly o: DriverOptions) {
    // Every step's task listens.
    setMaxListeners(0, this.#parked.signal, this.#canceled.signal)
    this.steps = o.runbook.steps.map(({ name }) => name)
    this.#transitions = new Transitions(o.journal, o.id, o.executor)
  }

  /** Stops what runs as soon as the execution is canceled, by whomever. */
  listen(): void {
    const { follower } = this.o
    const isOver = ({ cancel, outcome }: ExecutionRecord) => Boolean(cancel ?? outcome)
    follower.until(isOver, this.#parked.signal).then(
      ({ cancel }) => {
        if (!cancel) return
        this.#canceled.abort(new LifeboatError('ExecutionCanceled', `canceled by ${cancel.by}`))
      },
      (error: unknown) => this.broke(error),
    )
  }

  get isParked(): boolean {
    return this.#parked.signal.aborted
  }

  /** Begins nothing more and tells what runs to stop. */
  park(reason: Error): void {
    this.#parked.abort(reason)
  }

  /** Waits no longer for bodies that do not stop: this process ends. */
  abandon(): void {
    this.#abandoned.abort()
  }

  /** Resolves when no body runs any more. */
  settled(): Promise<void> {
    return this.#bodies.settled()
  }

  perform(name: string): Promise<string> {
    return this.#unlessParked(() => this.#perform(this.#step(name)))
  }

  planUndo(): Promise<string[]> {
    return this.#unlessParked(() =>
      this.#durably(() =>
        this.#transitions.planUndo((name) => {
          const { undo } = this.#step(name)
          return typeof undo === 'function' ? undefined : undo.noUndo
        }),
      ),
    )
  }

  undo(name: string): Promise<string> {
    return this.#unlessParked(() => this.#undo(this.#step(name)))
  }

  end(): Promise<string> {
    return this.#unlessParked(async () => {
      await this.o.onLastStep()
      const outcome = await this.#durably(() => this.#transitions.end())
      this.o.onEnd()
      return outcome
    })
  }

  async #perform(step: Step): Promise<string> {
    const { follower } = this.o
    for (let tries = 1; ; ) {
      const record = await follower.until((now) => {
        const state = stepOf(now, step.name)
        if (isSettled(state) || now.cancel) return true
        return mayBegin(now, step) && (state.status === 'notStarted' || isOpen(state))
      }, this.#parked.signal)
      const state = stepOf(record, step.name)
      if (isSettled(state)) return state.status
      if (record.cancel) {
        await this.#durably(() => this.#transitions.cancelStep(step))
        return 'canceled'
      }
      if (step.gate && !isOpen(state)) {
        await this.#ask(step, record)
        continue
      }
      const number = state.attempts.length + 1
      const mayRun = await this.#begin(
        () => this.#transitions.beginRun(step, number),
        (failure) => this.#transitions.tryAgain(step, number, failure),
      )
      if (!mayRun) continue
      const outcome = await this.#run(step, record)
      tries = (await this.#conclude(step, number, outcome, tries)) ? tries + 1 : 1
    }
  }

  async #run(step: Step, record: ExecutionRecord): Promise<Outcome<Json>> {
    const what = `step '${step.name}'`
    return this.#attempt(step.deadlineSeconds, what, async (signal) => {
      const output = await step.run(await this.#context(step, record, signal))
      return journalValue(`the output of ${what}`, output)
    })
  }

  /** Records what a try came to. True: another try follows by itself. */
  async #conclude(
    step: Step,
    number: number,
    outcome: Outcome<Json>,
    tries: number,
  ): Promise<boolean> {
    const transitions = this.#transitions
    if (outcome.kind === 'completed') {
      await this.#durably(() => transitions.complete(step, number, outcome.result))
      return false
    }
    if (outcome.kind === 'stopped') {
      if (this.#canceled.signal.aborted) return false
      const failure = { code: 'Interrupted', message: 'the process that ran it ended' }
      await this.#durably(() => transitions.tryAgain(step, number, failure))
      return false
    }
    this.#log(`${step.name} failed`, outcome.error)
    const failure = failureOf(outcome.error)
    if (mayTryAgain(step, outcome) && tries < TRIES) {
      await this.#durably(() => transitions.tryAgain(step, number, failure))
      await this.#backOff(tries)
      return true
    }
    await this.#durably(() => transitions.fail(step, number, failure))
    const givesUp = outcome.isDeadline && !outcome.isStillRunning && step.onDeadline === 'abort'
    if (givesUp) await this.#durably(() => transitions.abort(step))
    return false
  }

  /** A price that cannot be found out is said to be unknown, and then no gate opens by itself. */
  async #ask(step: Step, record: ExecutionRecord): Promise<void> {
    const { gate } = step
    if (!gate) return
    for (let tries = 1; ; tries++) {
      const outcome = await this.#attempt(
        COST_DEADLINE_SECONDS,
        'asking for the cost',
        async (signal) => gate.cost(await this.#context(step, record, signal)),
      )
      if (outcome.kind === 'stopped') return
      if (outcome.kind === 'completed') {
        const approve = record.autoApprove.includes(gate.kind) ? 'ahead' : undefined
        return this.#durably(() => this.#transitions.ask(step, outcome.result, approve))
      }
      this.#log(`the cost of ${step.name} is not known`, outcome.error)
      if (isRetryable(outcome.error) && tries < TRIES) {
        await this.#backOff(tries)
        continue
      }
      const cost = [`what it costs is not known: ${failureOf(outcome.error).message}`]
      return this.#durably(() => this.#transitions.ask(step, cost, undefined))
    }
  }

  async #undo(step: Step): Promise<string> {
    const { follower } = this.o
    for (let tries = 1; ; ) {
      const record = await follower.until(
        (now) => stepOf(now, step.name).undo !== 'failed',
        this.#parked.signal,
      )
      const { undo, undoAttempts = [], output = null } = stepOf(record, step.name)
      if (undo !== 'pending') return undo ?? 'done'
      const number = undoAttempts.length + 1
      const mayUndo = await this.#begin(
        () => this.#transitions.beginUndo(step, number),
        (failure) => this.#transitions.undoFailed(step, number, failure, false),
      )
      if (!mayUndo) continue
      const outcome = await this.#attempt(
        step.deadlineSeconds,
        `undoing '${step.name}'`,
        async (signal) => {
          const context = await this.#context(step, record, signal)
          if (typeof step.undo === 'function')
            await step.undo({ ...context, output: output as never })
        },
        this.#parked.signal,
      )
      tries = (await this.#concludeUndo(step, number, outcome, tries)) ? tries + 1 : 1
    }
  }

  async #concludeUndo(
    step: Step,
    number: number,
    outcome: Outcome<void>,
    tries: number,
  ): Promise<boolean> {
    const transitions = this.#transitions
    if (outcome.kind === 'completed') {
      await this.#durably(() => transitions.undone(step, number))
      return false
    }
    const error =
      outcome.kind === 'failed' ? outcome.error : new Error('the process that ran it ended')
    this.#log(`undoing ${step.name} failed`, error)
    const isLast = outcome.kind === 'failed' && !(isRetryable(error) && tries < TRIES)
    await this.#durably(() => transitions.undoFailed(step, number, failureOf(error), isLast))
    if (!isLast) await this.#backOff(tries)
    return !isLast
  }

  /**
   * Records a try, then confirms the lock, so that whoever takes over learns of the try; one that then may not begin is ended.
   * False: it was not recorded.
   */
  #begin(
    record: () => Promise<boolean>,
    end: (failure: Failure) => Promise<void>,
  ): Promise<boolean> {
    const { signal } = this.#parked
    return this.#bodies.run(async () => {
      if (!(await this.#durably(record))) return false
      try {
        await this.o.confirm(signal)
        signal.throwIfAborted()
        return true
      } catch (error) {
        await this.#durably(() => end({ code: NOT_BEGUN, message: 'it had not begun yet' }))
        throw error
      }
    })
  }

  #attempt<Result>(
    deadlineSeconds: number,
    what: string,
    body: (signal: AbortSignal) => Promise<Result>,
    stop = AbortSignal.any([this.#parked.signal, this.#canceled.signal]),
  ): Promise<Outcome<Result>> {
    const abandon = this.#abandoned.signal
    return this.#bodies.run(() =>
      attempt(body, { clock: this.o.clock, deadlineSeconds, stop, abandon, what }),
    )
  }

  async #context(step: Step, record: ExecutionRecord, signal: AbortSignal): Promise<Context> {
    const { id, runbook, executor, journal, clock } = this.o
    const line = new ProgressLine(
      (progress) => journal.progress(id, executor, step.name, progress),
      clock,
      (error) => this.#log(`progress of ${step.name} is lost`, error),
    )
    return {
      input: record.input as never,
      done: outputsBefore(runbook, step, record),
      tools: (await this.#toolsOf(record)) as never,
      execution: { id, runbook: runbook.name, startedAt: record.startedAt },
      step: step.name,
      signal,
      progress: line.say,
    }
  }

  #toolsOf(record: ExecutionRecord): Promise<unknown> {
    this.#tools ??= Promise.resolve(record)
      .then(this.o.tools)
      .catch((error: unknown) => {
        // The next step that needs them tries again.
        this.#tools = undefined
        throw error
      })
    return this.#tools
  }

  async #backOff(tries: number): Promise<void> {
    const ms = Math.min(FIRST_BACKOFF_MS * 2 ** (tries - 1), LONGEST_BACKOFF_MS)
    await this.o.clock.sleep(ms, this.#parked.signal)
  }

  /** What has happened is written, however long the state database is away. */
  async #durably<Result>(write: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await write()
      } catch (error) {
        if (!isUnreachable(error)) throw error
        await this.o.clock.sleep(AWAY_MS, this.#parked.signal)
      }
    }
  }

  async #unlessParked<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      this.broke(error)
      return new Promise(() => undefined)
    }
  }

  /** Executing itself failed, not a step: parks, and says so unless another process executes it. */
  broke(cause: unknown): void {
    if (this.#parked.signal.aborted) return
    const error = cause instanceof Error ? cause : new Error(String(cause))
    this.park(error)
    this.#log(error instanceof Displaced ? 'displaced' : 'broken', error)
    if (!(error instanceof Displaced)) this.o.onBroken(error)
  }

  #log(what: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.o.onLog(`${this.o.id}: ${what}: ${text}`)
  }

  #step(name: string): Step {
    return this.o.runbook.steps.find((step) => step.name === name)!
  }
}

function isOpen({ gate }: { readonly gate?: { readonly approvedAt?: Date } }): boolean {
  return gate?.approvedAt !== undefined
}

function mayTryAgain(step: Step, outcome: Outcome<unknown> & { kind: 'failed' }): boolean {
  if (outcome.isStillRunning) return false
  return outcome.isDeadline ? step.onDeadline === 'retry' : isRetryable(outcome.error)
}
