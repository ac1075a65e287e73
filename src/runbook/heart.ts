import type { Clock } from '../core/clock.ts'
import { type Executor, SILENCE_SECONDS } from './executor.ts'
import type { Journal } from './journal.ts'

const BEAT_MS = 2_000

/**
 * Says every few seconds that this process is alive.
 *
 * From another machine, silence is all there is to tell that a process is gone. So a process that could not be heard for most
 * of that time stops by itself before anybody may take over what it executes (I9).
 */
export class Heart {
  readonly #stopped = new AbortController()
  #beatAtMs: number

  constructor(
    private readonly o: {
      readonly executor: Executor
      readonly journal: Journal
      readonly clock: Clock
      /** What this process believes to execute, and the journal says it does not, by identifier. */
      readonly onHeld: (held: readonly string[]) => void
      readonly onSilence: (reason: Error) => void
    },
  ) {
    this.#beatAtMs = o.clock.monotonicMs()
  }

  /** Beats once, and from then on by itself. */
  async start(): Promise<void> {
    await this.o.journal.heartbeat(this.o.executor)
    void this.#beat()
  }

  stop(): void {
    this.#stopped.abort()
  }

  async #beat(): Promise<void> {
    const { executor, journal, clock, onHeld, onSilence } = this.o
    while (await this.#pause()) {
      try {
        onHeld(await journal.heartbeat(executor))
        this.#beatAtMs = clock.monotonicMs()
      } catch (error) {
        const silentSeconds = (clock.monotonicMs() - this.#beatAtMs) / 1000
        if (silentSeconds < (SILENCE_SECONDS * 2) / 3) continue
        onSilence(error instanceof Error ? error : new Error(String(error)))
        this.#beatAtMs = clock.monotonicMs()
      }
    }
  }

  async #pause(): Promise<boolean> {
    return this.o.clock.sleep(BEAT_MS, this.#stopped.signal).then(
      () => true,
      () => false,
    )
  }
}
