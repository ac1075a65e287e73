import type { Clock } from '../core/clock.ts'
import { type Execution, type ExecutionEvent, type ExecutionsApi, hasEnded } from './execution.ts'
import { Follower } from './follow.ts'
import type { Journal } from './journal.ts'
import { type ExecutionRecord, executionOf } from './record.ts'

/** Looks at executions and waits for what becomes of them, whichever process executes them. */
export class ExecutionsReader implements Pick<ExecutionsApi, 'get' | 'list' | 'waitFor' | 'watch'> {
  readonly #followers = new Map<string, Follower>()

  /** @param closing  ends every wait */
  constructor(
    private readonly journal: Journal,
    private readonly clock: Clock,
    private readonly closing: AbortSignal,
  ) {}

  async get(id: string): Promise<Execution> {
    return executionOf(await this.journal.read(id))
  }

  async list(): Promise<Execution[]> {
    return (await this.journal.list()).map(executionOf)
  }

  async waitFor(
    id: string,
    predicate: 'end' | ((execution: Execution) => boolean),
    signal?: AbortSignal,
  ): Promise<Execution> {
    const isReached = (record: ExecutionRecord) => {
      const execution = executionOf(record)
      return hasEnded(execution) || (predicate !== 'end' && predicate(execution))
    }
    return executionOf(await this.follower(id).until(isReached, this.#untilClosed(signal)))
  }

  async *watch(id: string, signal?: AbortSignal): AsyncGenerator<ExecutionEvent> {
    const stop = this.#untilClosed(signal)
    let last = '0'
    let record = await this.journal.read(id)
    for (;;) {
      for (const event of await this.journal.eventsAfter(id, last)) {
        if (stop.aborted) return
        last = event.id
        yield event
      }
      if (record.outcome || stop.aborted) return
      const { version } = record
      const next = this.follower(id).until((now) => now.version !== version, stop)
      const changed = await next.catch((error: unknown) => {
        if (stop.aborted) return undefined
        throw error
      })
      if (!changed) return
      record = changed
    }
  }

  /** Of one execution, there is one for all who wait in this process. */
  follower(id: string): Follower {
    const known = this.#followers.get(id) ?? new Follower(id, this.journal, this.clock)
    this.#followers.set(id, known)
    return known
  }

  #untilClosed(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.closing]) : this.closing
  }
}
