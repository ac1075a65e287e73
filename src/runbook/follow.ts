import type { Clock } from '../core/clock.ts'
import type { Journal } from './journal.ts'
import type { ExecutionRecord } from './record.ts'
import { isUnreachable } from './state-database.ts'

/** Changes of this process are seen at once; those of others, and a process that is gone, after this long. */
const LOOK_EVERY_MS = 250
const AWAY_MS = 1_000

interface Waiter {
  readonly isReached: (record: ExecutionRecord) => boolean
  readonly resolve: (record: ExecutionRecord) => void
  readonly reject: (error: unknown) => void
}

/**
 * Everybody in this process who waits for something of one execution: one look at the journal serves them all.
 *
 * While the state database is away they wait on.
 */
export class Follower {
  readonly #waiters = new Set<Waiter>()
  #isLooking = false
  #wake: () => void = () => undefined

  constructor(
    private readonly id: string,
    private readonly journal: Journal,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves with the first record seen for which `isReached` holds; rejects with the signal's reason, or with what
   * `isReached` throws.
   */
  until(
    isReached: (record: ExecutionRecord) => boolean,
    signal?: AbortSignal,
  ): Promise<ExecutionRecord> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const end = () => {
        signal?.removeEventListener('abort', onAbort)
        this.#waiters.delete(waiter)
        if (this.#waiters.size === 0) this.#wake()
      }
      const onAbort = () => waiter.reject(signal?.reason)
      const waiter: Waiter = {
        isReached,
        resolve: (record) => {
          end()
          resolve(record)
        },
        reject: (error) => {
          end()
          reject(error)
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(waiter)
      if (this.#isLooking) this.#wake()
      else void this.#look()
    })
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    const forget = this.journal.onChange(this.id, () => this.#wake())
    while (this.#waiters.size > 0) {
      // Who comes in while we read must not be told of a moment before they asked.
      const asked = [...this.#waiters]
      const pause = new AbortController()
      this.#wake = () => pause.abort()
      let pauseMs = LOOK_EVERY_MS
      try {
        tell(asked, await this.journal.read(this.id))
      } catch (error) {
        if (isUnreachable(error)) pauseMs = AWAY_MS
        else for (const waiter of asked) waiter.reject(error)
      }
      if (this.#waiters.size > 0) await this.clock.sleep(pauseMs, pause.signal).catch(wasWoken)
    }
    forget()
    this.#isLooking = false
  }
}

function tell(waiters: readonly Waiter[], record: ExecutionRecord): void {
  for (const waiter of waiters) {
    try {
      if (waiter.isReached(record)) waiter.resolve(record)
    } catch (error) {
      waiter.reject(error)
    }
  }
}

/** The only reason for which a pause ends early. */
function wasWoken(reason: unknown): void {
  if (!(reason instanceof Error && reason.name === 'AbortError')) throw reason
}
