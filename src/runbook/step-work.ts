import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Once } from './durable.ts'
import type { Failure } from './execution.ts'
import { failureOf, isRetryable } from './failure.ts'
import type { Journal, Snapshot } from './journal.ts'
import type { Json, Runbook, Step, StepContext } from './runbook.ts'

/** How often a failure that may pass is tried again before a person is asked. */
const AUTOMATIC_TRIES = 3
const FIRST_BACKOFF_MS = 500
const PROGRESS_EVERY_MS = 200

/** What a try of a step came to; recorded, so that after a crash it is read and not run again. */
type Outcome =
  | { readonly ok: true; readonly output: Json }
  | { readonly ok: false; readonly failure: Failure; readonly isDeadline: boolean }

type AnyContext = StepContext<never, Record<string, Json>, never>

export interface StepWorkOptions {
  readonly id: string
  readonly runbook: Runbook
  readonly step: Step
  readonly tools: unknown
  readonly journal: Journal
  readonly clock: Clock
  /** Resolves with the next state of the execution for which `isReached` holds. */
  readonly until: (isReached: (now: Snapshot) => boolean) => Promise<Snapshot>
  /** Aborts when the execution is canceled. */
  readonly canceled: AbortSignal
  readonly requestCancel: (by: string) => Promise<void>
}

/** Everything that happens to one step, from waiting for those before it to its end. */
export class StepWork {
  constructor(private readonly o: StepWorkOptions) {}

  async run(once: Once): Promise<void> {
    const { id, step, journal } = this.o
    const ready = await this.o.until((now) => now.isCanceled || this.#isReady(now))
    if (this.#isOver(ready)) return
    if (ready.isCanceled || !(await this.#passGate(ready)))
      return journal.end(id, step.name, 'canceled')

    for (let tries = 1; ; tries++) {
      const outcome = await once(`${step.name} ${tries}`, () => this.#try())
      if (outcome.ok) return journal.complete(id, step.name, outcome.output)
      await journal.fail(id, step.name, tries, outcome.failure)
      if (this.o.canceled.aborted) return
      if (outcome.isDeadline && step.onDeadline === 'abort') {
        return this.o.requestCancel(`the deadline of '${step.name}'`)
      }
      if (await this.#triesAgain(outcome, tries)) continue
      const decision = await this.#decision(tries)
      if (decision === undefined) return
      if (decision.choice === 'skip') return journal.end(id, step.name, 'skipped', decision.reason)
    }
  }

  #isReady(now: Snapshot): boolean {
    if (now.isPaused) return false
    return this.o.step.after.every((name) => isDone(now.step.get(name)?.status))
  }

  /** Ended before a crash, and only the engine did not know. */
  #isOver(now: Snapshot): boolean {
    const status = now.step.get(this.o.step.name)?.status
    return isDone(status) || status === 'undone' || status === 'canceled'
  }

  /** Whether the step may begin. Without a gate it always may. */
  async #passGate(now: Snapshot): Promise<boolean> {
    const { gate, name } = this.o.step
    if (!gate) return true
    const isApproved = (snapshot: Snapshot) =>
      snapshot.step.get(name)?.gate?.approvedAt !== undefined
    if (isApproved(now)) return true
    const cost = await this.#cost(now)
    await this.o.journal.ask(this.o.id, name, gate.kind, cost)
    if (now.autoApprove.includes(gate.kind)) {
      await this.o.journal.approve(this.o.id, name, 'approved in advance')
      return true
    }
    const answered = await this.o.until(
      (next) => next.isCanceled || (isApproved(next) && !next.isPaused),
    )
    return !answered.isCanceled
  }

  /** A price that cannot be found out is said to be unknown; a gate never opens cheaper for it. */
  async #cost(now: Snapshot): Promise<readonly string[]> {
    try {
      return await this.o.step.gate!.cost(this.#context(now, this.o.canceled))
    } catch (error) {
      return [`the cost is unknown: ${failureOf(error).message}`]
    }
  }

  async #try(): Promise<Outcome> {
    const { id, step, journal, canceled } = this.o
    await journal.beginAttempt(id, step.name)
    const deadline = AbortSignal.timeout(step.deadlineSeconds * 1000)
    const signal = AbortSignal.any([deadline, canceled])
    try {
      const context = this.#context(await journal.read(id), signal)
      const output = await raceAgainst(signal, step.run(context))
      return { ok: true, output: output ?? null }
    } catch (error) {
      if (!deadline.aborted) return { ok: false, failure: failureOf(error), isDeadline: false }
      const late = new LifeboatError(
        'StepDeadlineExceeded',
        `step '${step.name}' did not end within ${step.deadlineSeconds} s`,
        { hint: 'Retry it, skip it with a reason, or cancel the execution.', cause: error },
      )
      return { ok: false, failure: failureOf(late), isDeadline: true }
    }
  }

  async #triesAgain(
    { failure, isDeadline }: Outcome & { ok: false },
    tries: number,
  ): Promise<boolean> {
    const mayPass = isDeadline ? this.o.step.onDeadline === 'retry' : isRetryable(failure)
    if (!mayPass || tries >= AUTOMATIC_TRIES) return false
    await this.o.clock.sleep(FIRST_BACKOFF_MS * 2 ** (tries - 1))
    return true
  }

  async #decision(tries: number) {
    const { name } = this.o.step
    const decided = await this.o.until(
      (now) => now.isCanceled || (now.step.get(name)?.decision?.tries === tries && !now.isPaused),
    )
    return decided.isCanceled ? undefined : decided.step.get(name)?.decision
  }

  #context(now: Snapshot, signal: AbortSignal): AnyContext {
    let saidAt = Number.NEGATIVE_INFINITY
    return {
      input: now.execution.input as never,
      done: outputsOf(now),
      tools: this.o.tools as never,
      execution: {
        id: this.o.id,
        runbook: this.o.runbook.name,
        startedAt: now.execution.startedAt,
      },
      step: this.o.step.name,
      signal,
      progress: (message, fraction) => {
        if (this.o.clock.monotonicMs() - saidAt < PROGRESS_EVERY_MS) return
        saidAt = this.o.clock.monotonicMs()
        const progress = fraction === undefined ? { message } : { message, fraction }
        // A lost progress line is not worth failing a recovery for; the next write of the journal meets the same problem.
        this.o.journal.progress(this.o.id, this.o.step.name, progress).catch((error: unknown) => {
          if (!(error instanceof LifeboatError)) throw error
        })
      },
    }
  }
}

export function isDone(status: string | undefined): boolean {
  return status === 'completed' || status === 'skipped'
}

/** Outputs by step. Asking for one that was skipped, or is not there yet, says so. */
export function outputsOf(now: Snapshot): Record<string, Json> {
  const outputs: Record<string, Json> = {}
  for (const { name, status, output } of now.execution.steps) {
    Object.defineProperty(outputs, name, {
      enumerable: status === 'completed',
      get() {
        if (status === 'completed') return output
        throw new LifeboatError(
          'StepFailed',
          `step '${name}' is ${status}, so that there is no output of it`,
          {
            hint:
              status === 'skipped'
                ? 'Skip this step too, or cancel the execution.'
                : 'Retry that step.',
          },
        )
      },
    })
  }
  return outputs
}

/** A body may not listen to its signal; the step ends all the same, and what the body does later is not waited for. */
function raceAgainst<Result>(signal: AbortSignal, body: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    body.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
