import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { Driver } from './driver.ts'
import { DurableEngine } from './durable-engine.ts'
import type { Elsewhere } from './execution.ts'
import type { FindLock } from './execution-lock.ts'
import { thisExecutor } from './executor.ts'
import { isRetryable } from './failure.ts'
import type { Follower } from './follow.ts'
import { Heart } from './heart.ts'
import type { Journal } from './journal.ts'
import { Locks } from './locks.ts'
import * as operator from './operator.ts'
import { type ExecutionRecord, isLive } from './record.ts'
import type { GateKind, Json, Runbook } from './runbook.ts'
import { isUnreachable } from './state-database.ts'
import { bringHere } from './take-over.ts'

/** How long bodies may take to stop when this process ends; then they are left as after a crash. */
const STOP_DEADLINE_MS = 3_000
/** Until what stood still, and could not go on, tries again. */
const AGAIN_MS = 1_000

export interface DriversOptions {
  /** Of the state database, for the engine. */
  readonly url: string
  readonly journal: Journal
  readonly follower: (id: string) => Follower
  /** The list as it is for an input. @throws LifeboatError `RunbookNotFound` */
  readonly runbook: (name: string, input: Json) => Runbook
  readonly tools: (input: Json, execution: { id: string; runbook: string }) => unknown
  readonly lock: { readonly find: FindLock; readonly user: string } | undefined
  readonly clock: Clock
  /** Nothing is taken up any more. */
  readonly closing: AbortSignal
  readonly onExecute: (id: string) => void
  readonly onLog: (line: string) => void
}

/** What an execution is started with. */
interface Beginning {
  readonly id: string
  readonly runbook: Runbook
  readonly input: Json
  readonly owns: string | undefined
  readonly autoApprove: readonly GateKind[]
  /** Why its lock is taken from whoever has it. */
  readonly takeOver: string | undefined
}

interface Executing {
  readonly engine: DurableEngine
  readonly heart: Heart
}

/**
 * What this process executes: each execution has a driver from when it is begun or taken up until it has ended or is let go.
 *
 * A driver is parked, and every step of it told to stop, while nobody can say that the execution is still this process's own:
 * the state database was silent for too long, or its lock was. It goes on by itself when that is sure again.
 */
export class Drivers {
  readonly #executor = thisExecutor(systemRandom)
  readonly #drivers = new Map<string, Driver>()
  readonly #goingOn = new Set<string>()
  readonly #locks: Locks
  #executing: Promise<Executing> | undefined

  constructor(private readonly o: DriversOptions) {
    const { journal, clock, lock, onLog } = o
    this.#locks = new Locks({
      ...{ journal, clock, onLog, executor: this.#executor },
      find: lock?.find,
      user: lock?.user ?? '',
      onLost: (id, error) => {
        this.#drivers.get(id)?.park(error)
        void this.#letGo(id, error, 'lockLost')
      },
      onSilence: (id, reason) => this.#holdStill(id, reason),
    })
  }

  async begin({ takeOver, ...beginning }: Beginning): Promise<void> {
    const { id, runbook, input, owns } = beginning
    const { engine } = await this.#ready()
    const executor = this.#executor.id
    const claim = { id, runbook: runbook.name, input, owns, takeOver }
    const held = await this.#locks.claim(claim, this.o.closing)
    try {
      await this.o.journal.begin({ ...beginning, executor, lock: held?.record })
    } catch (error) {
      await this.#locks.release(id)
      throw error
    }
    await this.#handOver(id, runbook, (driver) => engine.begin(id, driver))
  }

  /** Becomes the one that executes it, when nobody does. @param takeOver  why its lock is taken from whoever has it */
  async takeUp(id: string, takeOver?: string): Promise<void> {
    const record = await this.o.journal.read(id)
    if (record.outcome || isLive(record)) return
    const engine = await this.#adopt(record, { isOurs: false })
    try {
      await this.#lockAgain(record, takeOver)
    } catch (error) {
      await this.#leave(id)
      throw error
    }
    await this.#resume(record, engine)
  }

  /** The same of an execution that may be another machine's, which is asked first. False: it is not, and nothing was done. */
  async bring(
    id: string,
    { why, elsewhere }: { why: string; elsewhere: Elsewhere },
  ): Promise<boolean> {
    const around = { journal: this.o.journal, locks: this.#locks }
    const signal = this.o.closing
    if (!(await bringHere(around, id, { why, elsewhere, signal }))) return false
    try {
      const record = await this.o.journal.read(id)
      const { engine } = await this.#ready()
      await engine.forget(id)
      await this.#adopt(record, { isOurs: false })
      await this.#resume(record, engine)
    } catch (error) {
      await this.#locks.park(id)
      throw error
    }
    return true
  }

  /** Ends this process's part, after `closing`: what it executes is left as it is, for whoever takes it up. */
  async close(): Promise<void> {
    const closed: Error = this.o.closing.reason
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
    const deadline = this.o.clock
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
      await this.o.journal.release(this.#executor.id)
    } catch (error) {
      if (!isUnreachable(error)) throw error
    }
  }

  async #adopt(record: ExecutionRecord, { isOurs }: { isOurs: boolean }): Promise<DurableEngine> {
    refuseChanged(this.#runbookOf(record), record)
    const { engine } = await this.#ready()
    await operator.adopt(this.o.journal, record.id, this.#executor.id, { isOurs })
    return engine
  }

  /** Only who has adopted the execution asks for its lock, so that one of its processes does not lose it to another. */
  async #lockAgain(record: ExecutionRecord, takeOver?: string): Promise<void> {
    const { id, runbook, input, owns, lock: former } = record
    const claim = { id, runbook, input, owns, former, takeOver }
    const held = await this.#locks.claim(claim, this.o.closing)
    if (!held) return
    await this.o.journal.change(
      id,
      (_, edit) => edit.locked(held.record, former),
      this.#executor.id,
    )
  }

  #resume(record: ExecutionRecord, engine: DurableEngine): Promise<void> {
    const { id } = record
    return this.#handOver(id, this.#runbookOf(record), (driver) => engine.resume(id, driver))
  }

  #runbookOf({ runbook, input }: ExecutionRecord): Runbook {
    return this.o.runbook(runbook, input)
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
      this.o.onExecute(id)
    } catch (error) {
      driver.broke(error)
      throw error
    }
  }

  #driver(id: string, runbook: Runbook): Driver {
    const { journal, follower, tools, clock, onLog } = this.o
    const driver = new Driver({
      ...{ id, runbook, journal, clock, onLog, executor: this.#executor.id },
      follower: follower(id),
      tools: ({ input }) => tools(input, { id, runbook: runbook.name }),
      confirm: (signal) => this.#locks.confirm(id, signal),
      onLastStep: () => this.#locks.release(id),
      onEnd: () => this.#drivers.delete(id),
      onBroken: (error) => void this.#letGo(id, error),
    })
    this.#drivers.set(id, driver)
    driver.listen()
    return driver
  }

  #ready(): Promise<Executing> {
    this.#executing ??= this.#launch().catch((error: unknown) => {
      this.#executing = undefined
      throw error
    })
    return this.#executing
  }

  async #launch(): Promise<Executing> {
    const { journal, clock, url, onLog } = this.o
    this.o.closing.throwIfAborted()
    const heart = new Heart({
      ...{ journal, clock, executor: this.#executor },
      onHeld: (held) => this.#compare(held),
      onSilence: (reason) => {
        for (const driver of this.#drivers.values()) driver.park(reason)
      },
    })
    const engine = await DurableEngine.acquire(url, onLog)
    await heart.start()
    return { engine, heart }
  }

  /** What another process has taken over is not executed here; what nobody has, after a silence, goes on. */
  #compare(held: readonly string[]): void {
    // Who closes has stopped everything, and what it goes on with now would be left in the middle of that.
    if (this.o.closing.aborted) return
    for (const [id, driver] of this.#drivers) {
      if (!held.includes(id)) driver.park(new Error(`'${id}' is executed elsewhere, or has ended`))
      else if (driver.isParked && this.#locks.isSure(id)) void this.#goOn(id, driver)
    }
  }

  /** While nobody can say whose lock it is no step runs; that must not look like one that takes its time. */
  #holdStill(id: string, reason: Error): void {
    const { journal, onLog } = this.o
    this.#drivers.get(id)?.park(reason)
    const hint = reason instanceof LifeboatError && reason.hint ? ` ${reason.hint}` : ''
    const text = `${reason.message}: every step waits until it can be.${hint}`
    onLog(`${id}: ${text}`)
    const told = journal.change(id, (_, edit) => edit.event('lockSilent', text))
    told.catch((second: unknown) => onLog(`${id}: that could not be written: ${second}`))
  }

  /** It stays this process's meanwhile: who follows it must not take it for one that waits for somebody. */
  async #goOn(id: string, parked: Driver): Promise<void> {
    if (this.#goingOn.has(id)) return
    this.#goingOn.add(id)
    try {
      // A step must not run beside itself.
      await parked.settled()
      const isStillSo = () => !this.o.closing.aborted && this.#drivers.get(id) === parked
      while (isStillSo() && !(await this.#goesOn(id))) await this.#pause()
    } finally {
      this.#goingOn.delete(id)
    }
  }

  /** False: not yet. */
  async #goesOn(id: string): Promise<boolean> {
    try {
      const record = await this.o.journal.read(id)
      if (record.outcome || record.executor?.id !== this.#executor.id) return true
      const engine = await this.#adopt(record, { isOurs: true })
      await this.#lockAgain(record)
      await this.#resume(record, engine)
      return true
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error))
      if (!isRetryable(error)) {
        await this.#letGo(id, reason)
        return true
      }
      this.o.onLog(`${id} cannot go on yet: ${reason.message}`)
      return false
    }
  }

  /** Until the next try, or until these are closed. */
  async #pause(): Promise<void> {
    await Promise.allSettled([this.o.clock.sleep(AGAIN_MS, this.o.closing)])
  }

  /** A mistake of ours, or a lock that another Lifeboat has taken: the execution is left where it is, in sight, and can be resumed. */
  async #letGo(id: string, { message }: Error, event = 'broken'): Promise<void> {
    const driver = this.#drivers.get(id)
    this.#drivers.delete(id)
    // Whoever resumes it must not do beside it what it still does.
    if (driver) await this.#briefly(driver.settled())
    await this.#locks.park(id)
    await this.#leave(id, { event, text: message })
  }

  /** Says that nobody executes it, and why, unless somebody else does already. */
  async #leave(id: string, why?: { event: string; text: string }): Promise<void> {
    const leave = () =>
      this.o.journal.change(
        id,
        async (_, edit) => {
          await edit.execution({ executor: null })
          if (why) await edit.event(why.event, why.text)
        },
        this.#executor.id,
      )
    for (;;) {
      try {
        return await leave()
      } catch (error) {
        this.o.onLog(`${id} could not be let go: ${error}`)
        // It would look as if it were executed for as long as this process lives.
        if (!isUnreachable(error) || this.o.closing.aborted) return
        await this.#pause()
      }
    }
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
