import { setMaxListeners } from 'node:events'
import { type Clock, systemClock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { Driver } from './driver.ts'
import { DurableEngine } from './durable-engine.ts'
import type {
  Execution,
  ExecutionEvent,
  ExecutionsApi,
  ResumeOptions,
  StartOptions,
} from './execution.ts'
import type { FindLock } from './execution-lock.ts'
import { ExecutionsReader } from './executions-reader.ts'
import { thisExecutor } from './executor.ts'
import { isRetryable } from './failure.ts'
import { Heart } from './heart.ts'
import { Journal } from './journal.ts'
import { journalValue } from './journal-values.ts'
import { Locks } from './locks.ts'
import * as operator from './operator.ts'
import { type ExecutionRecord, isLive } from './record.ts'
import type { Json, Runbook } from './runbook.ts'
import { isUnreachable, type StateDatabase } from './state-database.ts'
import { bringHere } from './take-over.ts'

/** How long bodies may take to stop when this process ends; then they are left as after a crash. */
const STOP_DEADLINE_MS = 3_000
/** Until what stood still, and could not go on, tries again. */
const AGAIN_MS = 1_000

export interface ExecutionsOptions {
  readonly database: StateDatabase
  readonly runbooks: readonly Runbook[]
  /** The list as it is for an execution's input; by default as it stands. It must not change while the execution lasts. */
  readonly plan?: (runbook: Runbook, input: Json) => Runbook
  /** What steps work with; made once for each execution in a process, from its input. */
  readonly tools: (input: Json, execution: { id: string; runbook: string }) => unknown
  /** Where an execution finds the lock that Lifeboats on several machines share, and for whom it is taken. */
  readonly lock?: { readonly find: FindLock; readonly user: string }
  readonly clock?: Clock
  /** Called when this process begins to execute, or to go on with, an execution. */
  readonly onExecute?: (id: string) => void
  /** Takes lines of the engine and the causes of failures, which no operator is shown. */
  readonly onLog?: (line: string) => void
}

interface Executing {
  readonly engine: DurableEngine
  readonly heart: Heart
}

/**
 * Runs runbooks, durably, and answers for them.
 *
 * The engine is launched when something is first executed; looking at executions does not need it. An operator's decision
 * about an execution that no process executes is written, and this process takes it over.
 */
export class Executions implements ExecutionsApi {
  readonly #executor = thisExecutor(systemRandom)
  readonly #clock: Clock
  readonly #closing = new AbortController()
  readonly #reader: ExecutionsReader
  readonly #drivers = new Map<string, Driver>()
  readonly #locks: Locks
  #executing: Promise<Executing> | undefined

  private constructor(
    private readonly o: ExecutionsOptions,
    private readonly journal: Journal,
  ) {
    this.#clock = o.clock ?? systemClock
    this.#reader = new ExecutionsReader(journal, this.#clock, this.#closing.signal)
    this.#locks = new Locks({
      find: o.lock?.find,
      user: o.lock?.user ?? '',
      executor: this.#executor,
      journal: this.journal,
      clock: this.#clock,
      onLost: (id, error) => {
        this.#drivers.get(id)?.park(error)
        void this.#letGo(id, error, 'lockLost')
      },
      onSilence: (id, reason) => this.#holdStill(id, reason),
      onLog: (line) => this.#log(line),
    })
    setMaxListeners(0, this.#closing.signal)
  }

  /** @throws LifeboatError `StateUnreachable` */
  static async open(o: ExecutionsOptions): Promise<Executions> {
    return new Executions(o, await Journal.open(o.database, o.clock ?? systemClock))
  }

  async start(name: string, input: Json, options: StartOptions = {}): Promise<string> {
    const { owns, autoApprove = [], id = `${name}-${systemRandom.hex(8)}` } = options
    const value = journalValue(`the input of '${name}'`, input)
    const runbook = this.#runbook(name, value)
    if (owns !== undefined) await this.journal.refuseOwned(owns)
    const { engine } = await this.#ready()
    const executor = this.#executor.id
    const claim = { id, runbook: name, input: value, owns, takeOver: options.takeOver }
    const held = await this.#locks.claim(claim, this.#closing.signal)
    const lock = held?.record
    try {
      await this.journal.begin({ id, runbook, input: value, owns, autoApprove, executor, lock })
    } catch (error) {
      await this.#locks.release(id)
      throw error
    }
    await this.#handOver(id, runbook, (driver) => engine.begin(id, driver))
    return id
  }

  get(id: string): Promise<Execution> {
    return this.#reader.get(id)
  }

  list(): Promise<Execution[]> {
    return this.#reader.list()
  }

  waitFor(
    id: string,
    predicate: 'end' | ((execution: Execution) => boolean),
    signal?: AbortSignal,
  ): Promise<Execution> {
    return this.#reader.waitFor(id, predicate, signal)
  }

  watch(id: string, signal?: AbortSignal): AsyncGenerator<ExecutionEvent> {
    return this.#reader.watch(id, signal)
  }

  async approve(id: string, o: { by: string; step?: string }): Promise<void> {
    await operator.approve(this.journal, id, o)
    await this.#takeUp(id)
  }

  pause(id: string): Promise<void> {
    return operator.pause(this.journal, id)
  }

  async resume(id: string, { takeOver, elsewhere }: ResumeOptions = {}): Promise<void> {
    const around = { journal: this.journal, locks: this.#locks }
    const signal = this.#closing.signal
    const isBrought =
      takeOver !== undefined &&
      elsewhere !== undefined &&
      (await bringHere(around, id, { why: takeOver, elsewhere, signal }))
    if (!isBrought) await operator.unpause(this.journal, id)
    try {
      await this.#takeUp(id, { takeOver })
    } catch (error) {
      if (isBrought) await this.#locks.park(id)
      throw error
    }
  }

  async retry(id: string): Promise<void> {
    await operator.retry(this.journal, id)
    await this.#takeUp(id)
  }

  async skip(id: string, o: { reason: string; by: string; step?: string }): Promise<void> {
    await operator.skip(this.journal, id, o)
    await this.#takeUp(id)
  }

  async cancel(id: string, o: { by: string }): Promise<void> {
    await operator.cancel(this.journal, id, o)
    await this.#takeUp(id)
  }

  /** Ends this process's part: what it executes is left as it is, for `resume`. */
  async close(): Promise<void> {
    const closed = new Error('these executions are closed')
    this.#closing.abort(closed)
    // Who asked for a launch that failed was told.
    const [launched] = await Promise.allSettled([this.#executing])
    if (launched.status === 'rejected' || !launched.value) return
    const executing = launched.value
    const drivers = [...this.#drivers.values()]
    for (const driver of drivers) driver.park(closed)
    await this.#briefly(Promise.all(drivers.map((driver) => driver.settled())))
    for (const driver of drivers) driver.abandon()
    executing.heart.stop()
    await this.#briefly(this.#locks.parkAll())
    await this.#briefly(this.#releaseAll())
    await executing.engine.release()
  }

  /** Waits for work, but only until the deadline of stopping; leaves no timer that would keep the process. */
  async #briefly(work: Promise<unknown>): Promise<void> {
    const done = new AbortController()
    const deadline = this.#clock
      .sleep(STOP_DEADLINE_MS, done.signal)
      .catch((error: unknown) => error)
    try {
      await Promise.race([work, deadline])
    } finally {
      done.abort()
    }
  }

  /** With the state database away nothing is released; whoever looks next finds that this process is gone. */
  async #releaseAll(): Promise<void> {
    try {
      await this.journal.release(this.#executor.id)
    } catch (error) {
      if (!isUnreachable(error)) throw error
    }
  }

  /**
   * Becomes the one that executes it, when nobody does.
   *
   * @param o.isParked  this process does, and has stood still
   */
  async #takeUp(
    id: string,
    { takeOver, isParked = false }: { takeOver?: string | undefined; isParked?: boolean } = {},
  ): Promise<void> {
    const record = await this.journal.read(id)
    const isOurs = record.executor?.id === this.#executor.id
    if (record.outcome || (isParked ? !isOurs : isLive(record))) return
    const runbook = this.#runbook(record.runbook, record.input)
    refuseChanged(runbook, record)
    const { engine } = await this.#ready()
    await operator.adopt(this.journal, id, this.#executor.id, { isOurs: isParked })
    try {
      await this.#lockAgain(record, takeOver)
    } catch (error) {
      if (!isParked) await this.#leave(id)
      throw error
    }
    await this.#handOver(id, runbook, (driver) => engine.resume(id, driver))
  }

  /** Only who has adopted the execution asks for its lock, so that one of its processes does not lose it to another. */
  async #lockAgain(record: ExecutionRecord, takeOver: string | undefined): Promise<void> {
    const { id, runbook, input, owns, lock: former } = record
    const claim = { id, runbook, input, owns, former, takeOver }
    const held = await this.#locks.claim(claim, this.#closing.signal)
    if (!held) return
    await this.journal.change(id, (_, edit) => edit.locked(held.record), this.#executor.id)
  }

  /** Says that nobody executes it, and why, unless somebody else does already. */
  async #leave(id: string, why?: { event: string; text: string }): Promise<void> {
    await this.journal.change(
      id,
      async (_, edit) => {
        await edit.execution({ executor: null })
        if (why) await edit.event(why.event, why.text)
      },
      this.#executor.id,
    )
  }

  /** An execution that the engine does not take is left for whoever resumes it. */
  async #handOver(
    id: string,
    runbook: Runbook,
    hand: (driver: Driver) => Promise<void>,
  ): Promise<void> {
    const driver = this.#driver(id, runbook)
    try {
      await hand(driver)
      this.o.onExecute?.(id)
    } catch (error) {
      driver.broke(error)
      throw error
    }
  }

  #ready(): Promise<Executing> {
    this.#executing ??= this.#begin().catch((error: unknown) => {
      this.#executing = undefined
      throw error
    })
    return this.#executing
  }

  async #begin(): Promise<Executing> {
    this.#closing.signal.throwIfAborted()
    const heart = new Heart({
      executor: this.#executor,
      journal: this.journal,
      clock: this.#clock,
      onHeld: (held) => this.#compare(held),
      onSilence: (reason) => {
        for (const driver of this.#drivers.values()) driver.park(reason)
      },
    })
    const engine = await DurableEngine.acquire(this.o.database.url, (line) => this.#log(line))
    await heart.start()
    return { engine, heart }
  }

  /** What another process has taken over is not executed here; what nobody has, after a silence, goes on. */
  #compare(held: readonly string[]): void {
    // Who closes has stopped everything, and what it goes on with now would be left in the middle of that.
    if (this.#closing.signal.aborted) return
    for (const [id, driver] of this.#drivers) {
      if (!held.includes(id)) driver.park(new Error(`'${id}' is executed elsewhere, or has ended`))
      else if (driver.isParked && this.#locks.isSure(id)) void this.#goOn(id)
    }
  }

  /** While nobody can say whose lock it is no step runs; that must not look like one that takes its time. */
  #holdStill(id: string, reason: Error): void {
    this.#drivers.get(id)?.park(reason)
    const text = `${reason.message}: every step waits until it can be`
    this.#log(`${id}: ${text}`)
    const told = this.journal.change(id, (_, edit) => edit.event('lockSilent', text))
    told.catch((second: unknown) => this.#log(`${id}: that could not be written: ${second}`))
  }

  /** It stays this process's meanwhile: who follows it must not take it for one that waits for somebody. */
  async #goOn(id: string): Promise<void> {
    this.#drivers.delete(id)
    do {
      try {
        return await this.#takeUp(id, { isParked: true })
      } catch (error) {
        const reason = error instanceof Error ? error : new Error(String(error))
        if (!isRetryable(error)) return this.#letGo(id, reason)
        this.#log(`${id} cannot go on yet: ${reason.message}`)
      }
    } while (await this.#pauseUnlessClosed())
  }

  #pauseUnlessClosed(): Promise<boolean> {
    return this.#clock.sleep(AGAIN_MS, this.#closing.signal).then(
      () => true,
      () => false,
    )
  }

  /** A mistake of ours, or a lock that another Lifeboat has taken: the execution is left where it is, in sight, and can be resumed. */
  async #letGo(id: string, { message }: Error, event = 'broken'): Promise<void> {
    this.#drivers.delete(id)
    await this.#locks.park(id)
    const left = this.#leave(id, { event, text: message })
    await left.catch((second: unknown) => this.#log(`${id} could not be let go: ${second}`))
  }

  #driver(id: string, runbook: Runbook): Driver {
    const driver = new Driver({
      id,
      runbook,
      executor: this.#executor.id,
      journal: this.journal,
      follower: this.#reader.follower(id),
      tools: ({ input }) => this.o.tools(input, { id, runbook: runbook.name }),
      confirm: (signal) => this.#locks.confirm(id, signal),
      onLastStep: () => this.#locks.release(id),
      clock: this.#clock,
      onLog: (line) => this.#log(line),
      onEnd: () => this.#drivers.delete(id),
      onBroken: (error) => void this.#letGo(id, error),
    })
    this.#drivers.set(id, driver)
    driver.listen()
    return driver
  }

  #log(line: string): void {
    this.o.onLog?.(line)
  }

  #runbook(name: string, input: Json): Runbook {
    const found = this.o.runbooks.find((runbook) => runbook.name === name)
    if (found) return this.o.plan?.(found, input) ?? found
    throw new LifeboatError('RunbookNotFound', `there is no runbook '${name}'`, {
      hint: `Choose one of: ${this.o.runbooks.map((runbook) => runbook.name).join(', ')}.`,
    })
  }
}

/** An execution goes on by the list that it began with, which was shown and approved. */
function refuseChanged(runbook: Runbook, { id, steps }: ExecutionRecord): void {
  const began = steps.map(({ name }) => name).join(', ')
  if (runbook.steps.map(({ name }) => name).join(', ') === began) return
  throw new LifeboatError(
    'RunbookChanged',
    `'${id}' began with other steps than '${runbook.name}' has in this version of Lifeboat: ${began}`,
    { hint: 'Resume it with the version that began it.' },
  )
}
