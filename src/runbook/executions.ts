import { setMaxListeners } from 'node:events'
import { type Clock, systemClock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { Drivers } from './drivers.ts'
import type {
  Execution,
  ExecutionEvent,
  ExecutionsApi,
  ResumeOptions,
  StartOptions,
} from './execution.ts'
import type { FindLock } from './execution-lock.ts'
import { ExecutionsReader } from './executions-reader.ts'
import { Journal } from './journal.ts'
import { journalValue } from './journal-values.ts'
import * as operator from './operator.ts'
import type { Json, Runbook } from './runbook.ts'
import type { StateDatabase } from './state-database.ts'

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

/**
 * Runs runbooks, durably, and answers for them.
 *
 * The engine is launched when something is first executed; looking at executions does not need it. An operator's decision
 * about an execution that no process executes is written, and this process takes it over.
 */
export class Executions implements ExecutionsApi {
  readonly #closing = new AbortController()
  readonly #reader: ExecutionsReader
  readonly #drivers: Drivers

  private constructor(
    private readonly o: ExecutionsOptions,
    private readonly journal: Journal,
    clock: Clock,
  ) {
    const { database, tools, lock, onExecute, onLog } = o
    this.#reader = new ExecutionsReader(journal, clock, this.#closing.signal)
    this.#drivers = new Drivers({
      ...{ journal, clock, tools, lock, url: database.url, closing: this.#closing.signal },
      follower: (id) => this.#reader.follower(id),
      runbook: (name, input) => this.#runbook(name, input),
      onExecute: (id) => onExecute?.(id),
      onLog: (line) => onLog?.(line),
    })
    setMaxListeners(0, this.#closing.signal)
  }

  /** @throws LifeboatError `StateUnreachable` */
  static async open(o: ExecutionsOptions): Promise<Executions> {
    const clock = o.clock ?? systemClock
    return new Executions(o, await Journal.open(o.database, clock), clock)
  }

  async start(name: string, input: Json, options: StartOptions = {}): Promise<string> {
    const { owns, autoApprove = [], takeOver, id = `${name}-${systemRandom.hex(8)}` } = options
    const value = journalValue(`the input of '${name}'`, input)
    const runbook = this.#runbook(name, value)
    if (owns !== undefined) await this.journal.refuseOwned(owns)
    await this.#drivers.begin({ id, runbook, input: value, owns, autoApprove, takeOver })
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
    await this.#drivers.takeUp(id)
  }

  pause(id: string): Promise<void> {
    return operator.pause(this.journal, id)
  }

  async resume(id: string, { takeOver, elsewhere }: ResumeOptions = {}): Promise<void> {
    if (takeOver !== undefined && elsewhere !== undefined) {
      if (await this.#drivers.bring(id, { why: takeOver, elsewhere })) return
    }
    await operator.unpause(this.journal, id)
    await this.#drivers.takeUp(id, takeOver)
  }

  async retry(id: string): Promise<void> {
    await operator.retry(this.journal, id)
    await this.#drivers.takeUp(id)
  }

  async skip(id: string, o: { reason: string; by: string; step?: string }): Promise<void> {
    await operator.skip(this.journal, id, o)
    await this.#drivers.takeUp(id)
  }

  async cancel(id: string, o: { by: string }): Promise<void> {
    await operator.cancel(this.journal, id, o)
    await this.#drivers.takeUp(id)
  }

  /** Ends this process's part: what it executes is left as it is, for `resume`. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('these executions are closed'))
    await this.#drivers.close()
  }

  #runbook(name: string, input: Json): Runbook {
    const found = this.o.runbooks.find((runbook) => runbook.name === name)
    if (found) return this.o.plan?.(found, input) ?? found
    throw new LifeboatError('RunbookNotFound', `there is no runbook '${name}'`, {
      hint: `Choose one of: ${this.o.runbooks.map((runbook) => runbook.name).join(', ')}.`,
    })
  }
}
