import { hostname } from 'node:os'
import { assert } from '../core/assert.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { DurableEngine, type Once } from './durable.ts'
import {
  type Execution,
  type ExecutionEvent,
  type ExecutionsApi,
  hasEnded,
  type StartOptions,
} from './execution.ts'
import { failureOf } from './failure.ts'
import { Journal, type Snapshot } from './journal.ts'
import type { Json, Runbook } from './runbook.ts'
import type { StateDatabase } from './state-database.ts'
import { isDone, outputsOf, StepWork } from './step-work.ts'

const POLL_MS = 100
const HEARTBEAT_MS = 1_000
const UNDO = '(undo)'

export interface ExecutionsOptions {
  readonly database: StateDatabase
  readonly runbooks: readonly Runbook[]
  /** What steps work with; made once for each execution, from its input. */
  readonly tools: (input: Json, execution: { id: string; runbook: string }) => unknown
  readonly clock?: Clock
  readonly onLog?: (line: string) => void
}

/**
 * Runs runbooks, durably: each step is a piece of work of its own that waits for those before it, so that independent ones
 * run in parallel and a crash loses nothing that was completed.
 *
 * The engine is launched when something is first run; looking at executions does not need it.
 */
export class Executions implements ExecutionsApi {
  readonly #clock: Clock
  readonly #canceling = new Map<string, AbortController>()
  readonly #tools = new Map<string, Promise<unknown>>()
  readonly #closing = new AbortController()
  #engine: Promise<DurableEngine> | undefined
  #heart: NodeJS.Timeout | undefined

  private constructor(
    private readonly o: ExecutionsOptions,
    private readonly journal: Journal,
  ) {
    this.#clock = o.clock ?? systemClock
  }

  static async open(o: ExecutionsOptions): Promise<Executions> {
    const holder = `${process.pid}@${hostname()}/${systemRandom.hex(8)}`
    return new Executions(o, await Journal.open(o.database, holder))
  }

  async start(name: string, input: Json, options: StartOptions = {}): Promise<string> {
    const runbook = this.#runbook(name)
    const id = options.id ?? `${name}-${systemRandom.hex(8)}`
    const engine = await this.#launched()
    await this.journal.begin({
      id,
      runbook,
      input,
      owns: options.owns,
      autoApprove: options.autoApprove ?? [],
    })
    for (const step of runbook.steps) await engine.begin(`${id}/${step.name}`, id, step.name)
    return id
  }

  async get(id: string): Promise<Execution> {
    return (await this.journal.read(id)).execution
  }

  list(): Promise<Execution[]> {
    return this.journal.list()
  }

  async waitFor(
    id: string,
    predicate: 'end' | ((execution: Execution) => boolean),
  ): Promise<Execution> {
    const isReached = predicate === 'end' ? hasEnded : predicate
    return (await this.#until(id, ({ execution }) => isReached(execution) || hasEnded(execution)))
      .execution
  }

  async *watch(id: string, signal?: AbortSignal): AsyncGenerator<ExecutionEvent> {
    let last = '0'
    for (;;) {
      const isOver = hasEnded(await this.get(id))
      for (const { id: number, ...event } of await this.journal.eventsAfter(id, last)) {
        last = number
        yield event
      }
      if (isOver || signal?.aborted) return
      await this.#clock.sleep(POLL_MS)
    }
  }

  async approve(id: string, { by, step }: { by: string; step?: string }): Promise<void> {
    const { execution } = await this.journal.read(id)
    const waiting = execution.steps.filter(
      ({ name, status }) => status === 'pendingApproval' && (step === undefined || name === step),
    )
    if (waiting.length === 0) throw notWaiting(execution, 'no gate of it waits for approval')
    for (const { name } of waiting) await this.journal.approve(id, name, by)
  }

  async pause(id: string): Promise<void> {
    await this.#ensureLive(id)
    await this.journal.setPaused(id, true)
  }

  async resume(id: string): Promise<void> {
    const { execution, isPaused, isCanceled } = await this.journal.read(id)
    if (hasEnded(execution)) throw notWaiting(execution, 'it has ended')
    if (isPaused) await this.journal.setPaused(id, false)
    if (execution.status !== 'interrupted') {
      if (!isPaused) throw notWaiting(execution, 'it is running')
      return
    }
    if (!(await this.journal.adopt(id)))
      throw notWaiting(execution, 'another process has taken it over')
    const engine = await this.#launched()
    await this.journal.note(id, 'resumed', 'taken over from a process that is gone')
    const steps = this.#runbook(execution.runbook).steps.map(({ name }) => name)
    for (const name of isCanceled ? [...steps, UNDO] : steps)
      await engine.resume(`${id}/${name}`, id, name)
  }

  async retry(id: string): Promise<void> {
    for (const { name, tries } of await this.#failed(id)) {
      await this.journal.decide(id, name, { tries, choice: 'retry' })
    }
  }

  async skip(id: string, o: { reason: string; by: string; step?: string }): Promise<void> {
    const failed = (await this.#failed(id)).filter(
      ({ name }) => o.step === undefined || name === o.step,
    )
    for (const { name, tries } of failed) {
      const reason = `${o.reason} (skipped by ${o.by})`
      await this.journal.decide(id, name, { tries, choice: 'skip', reason, by: o.by })
    }
  }

  async cancel(id: string, { by }: { by: string }): Promise<void> {
    const { execution } = await this.#ensureLive(id)
    const oneWay = execution.steps.find(
      ({ gate, status }) =>
        gate?.kind === 'oneWay' && (isDone(status) || status === 'running' || status === 'failed'),
    )
    if (oneWay) {
      throw notWaiting(
        execution,
        `'${oneWay.name}' has begun, which cannot be undone: there is only forward`,
      )
    }
    await this.#requestCancel(id, by)
  }

  /** Ends this process's part. Executions that run here are left as they are, for `resume`. */
  async close(): Promise<void> {
    this.#closing.abort()
    clearInterval(this.#heart)
    await (await this.#engine)?.shutdown()
  }

  async #requestCancel(id: string, by: string): Promise<void> {
    await this.journal.setCanceled(id, by)
    this.#cancellation(id).abort(new LifeboatError('ExecutionCanceled', `canceled by ${by}`))
    await (await this.#launched()).begin(`${id}/${UNDO}`, id, UNDO)
  }

  async #launched(): Promise<DurableEngine> {
    this.#engine ??= DurableEngine.launch({
      databaseUrl: this.o.database.url,
      executorId: this.journal.holder,
      work: (id, name, once) => this.#work(id, name, once),
      onLog: this.o.onLog ?? (() => undefined),
    })
    this.#heart ??= setInterval(() => {
      // A missed beat shows as `interrupted`; the next one mends it.
      this.journal.heartbeat().catch((error: unknown) => this.o.onLog?.(String(error)))
    }, HEARTBEAT_MS)
    return this.#engine
  }

  /** Whatever breaks the work itself, and not a step, ends the execution in sight of everybody. */
  async #work(id: string, name: string, once: Once): Promise<void> {
    try {
      await this.#workOn(id, name, once)
    } catch (error) {
      await this.journal.note(id, 'broken', failureOf(error).message, name)
      await this.journal.finish(id, 'failed')
      throw error
    }
  }

  /** One piece of durable work: a step, or the undoing of all of them. */
  async #workOn(id: string, name: string, once: Once): Promise<void> {
    const { execution, isCanceled } = await this.journal.read(id)
    if (isCanceled) this.#cancellation(id).abort(new LifeboatError('ExecutionCanceled', 'canceled'))
    if (name === UNDO) return this.#undoAll(id, once)

    const runbook = this.#runbook(execution.runbook)
    const step = runbook.steps.find((one) => one.name === name)
    assert(step, 'a step of the journal is in its runbook')
    await new StepWork({
      id,
      runbook,
      step,
      tools: await this.#toolsOf(execution),
      journal: this.journal,
      clock: this.#clock,
      until: (isReached) => this.#until(id, isReached),
      canceled: this.#cancellation(id).signal,
      requestCancel: (by) => this.#requestCancel(id, by),
    }).run(once)
    await this.#finishIfDone(id)
  }

  async #finishIfDone(id: string): Promise<void> {
    const { execution } = await this.journal.read(id)
    if (!execution.steps.every(({ status }) => isDone(status))) return
    const isWhole = execution.steps.every(({ status }) => status === 'completed')
    await this.journal.finish(id, isWhole ? 'completed' : 'completedWithSkips')
  }

  /** Newest first. One failure does not keep the others from being undone, and is not hidden. */
  async #undoAll(id: string, once: Once): Promise<void> {
    const still = await this.#until(id, ({ execution }) =>
      execution.steps.every(({ status }) => status !== 'running' && status !== 'pendingApproval'),
    )
    const { runbook: name } = still.execution
    const steps = this.#runbook(name).steps
    const newestFirst = still.execution.steps
      .filter(
        ({ status, attempts }) =>
          status === 'completed' || (status === 'failed' && attempts.length > 0),
      )
      .sort((a, b) => Number(b.attempts.at(-1)?.endedAt) - Number(a.attempts.at(-1)?.endedAt))
    let isClean = true
    for (const record of newestFirst) {
      const { undo } = steps.find((step) => step.name === record.name)!
      if (typeof undo !== 'function' || record.status !== 'completed') continue
      const failure = await once(`undo ${record.name}`, async () => {
        try {
          await undo({
            input: still.execution.input as never,
            done: outputsOf(still),
            tools: (await this.#toolsOf(still.execution)) as never,
            execution: { id, runbook: name, startedAt: still.execution.startedAt },
            step: record.name,
            signal: new AbortController().signal,
            progress: () => undefined,
            output: record.output as never,
          })
          return null
        } catch (error) {
          return failureOf(error)
        }
      })
      isClean &&= failure === null
      if (failure) await this.journal.undoFailed(id, record.name, failure)
      else await this.journal.end(id, record.name, 'undone')
    }
    await this.journal.finish(id, isClean ? 'canceled' : 'failed')
  }

  /** Polls the journal: what another process writes there is seen as soon as what this one does. */
  async #until(id: string, isReached: (now: Snapshot) => boolean): Promise<Snapshot> {
    for (;;) {
      const now = await this.journal.read(id)
      if (isReached(now)) return now
      // A process that ends leaves its work as it is: neither done nor failed, to be resumed by another.
      if (this.#closing.signal.aborted) return new Promise(() => undefined)
      await this.#clock.sleep(POLL_MS)
    }
  }

  async #ensureLive(id: string): Promise<Snapshot> {
    const snapshot = await this.journal.read(id)
    if (hasEnded(snapshot.execution)) throw notWaiting(snapshot.execution, 'it has ended')
    if (snapshot.execution.status === 'interrupted') {
      throw notWaiting(
        snapshot.execution,
        `the process that ran it (${snapshot.holder}) is gone; resume it first`,
      )
    }
    return snapshot
  }

  async #failed(id: string) {
    const { execution, step } = await this.#ensureLive(id)
    const failed = execution.steps.filter(({ status }) => status === 'failed')
    if (failed.length === 0) throw notWaiting(execution, 'no step of it has failed')
    return failed.map(({ name }) => ({ name, tries: step.get(name)!.tries }))
  }

  #cancellation(id: string): AbortController {
    const known = this.#canceling.get(id) ?? new AbortController()
    this.#canceling.set(id, known)
    return known
  }

  #toolsOf({ id, runbook, input }: Execution): Promise<unknown> {
    const known = this.#tools.get(id) ?? Promise.resolve(this.o.tools(input, { id, runbook }))
    this.#tools.set(id, known)
    return known
  }

  #runbook(name: string): Runbook {
    const found = this.o.runbooks.find((runbook) => runbook.name === name)
    if (found) return found
    throw new LifeboatError('RunbookNotFound', `there is no runbook '${name}'`, {
      hint: `Choose one of: ${this.o.runbooks.map((runbook) => runbook.name).join(', ')}.`,
    })
  }
}

function notWaiting({ id }: Execution, reason: string): LifeboatError {
  return new LifeboatError('ExecutionNotWaiting', `execution '${id}' cannot do that: ${reason}`, {
    hint: `Look at it with 'lifeboat execution show ${id}'.`,
  })
}
