import type { Clock } from '../../../core/clock.ts'
import { type MetricSource, SAMPLE_DEADLINE_MS } from '../../metric-source.ts'
import type { MetricStore } from './metric-store.ts'

const EVERY_MS = 15_000
/** What a killed region may lose of its own metrics, in milliseconds. */
const FLUSH_EVERY_MS = 60_000

/**
 * Asks the services of a region for their metrics: by the clock, and whenever somebody wants to know. Unlike AWS: a minute
 * has four samples of what a service measures, or more, where there often is one; its sum and count say little.
 */
export class Sampler {
  readonly #ending = new AbortController()
  readonly #asked = new Map<MetricSource, Promise<void>>()
  #running: Promise<void> = Promise.resolve()

  constructor(
    private readonly o: {
      sources: readonly MetricSource[]
      store: MetricStore
      clock: Clock
      onError: (error: unknown) => void
    },
  ) {}

  begin(): void {
    this.#running = this.#run()
  }

  /** Brings the metrics up to date, as far as the sources answer in time. */
  async sample(): Promise<void> {
    const waiting = new AbortController()
    const { signal } = waiting
    const deadline = this.o.clock.sleep(SAMPLE_DEADLINE_MS, signal).catch((error: unknown) => {
      if (error !== signal.reason) throw error
    })
    const all = this.o.sources.map((source) => this.#ensureAsked(source))
    await Promise.race([Promise.all(all), deadline])
    waiting.abort()
  }

  async close(): Promise<void> {
    this.#ending.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending
    let flushedAtMs = this.o.clock.monotonicMs()
    while (!signal.aborted) {
      await this.sample()
      const nowMs = this.o.clock.monotonicMs()
      if (nowMs - flushedAtMs >= FLUSH_EVERY_MS) {
        flushedAtMs = nowMs
        await this.#told(() => this.o.store.flush())
      }
      await this.#told(() => this.o.clock.sleep(EVERY_MS, signal))
    }
  }

  async #told(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!this.#ending.signal.aborted) this.o.onError(error)
    }
  }

  #ensureAsked(source: MetricSource): Promise<void> {
    const known = this.#asked.get(source)
    if (known) return known
    const asked = this.#ask(source).finally(() => this.#asked.delete(source))
    this.#asked.set(source, asked)
    return asked
  }

  async #ask(source: MetricSource): Promise<void> {
    const askedAt = this.o.clock.now()
    try {
      for (const { value, at = askedAt, ...series } of await source.sample()) {
        this.o.store.record(series, value, at)
      }
    } catch (error) {
      if (!this.#ending.signal.aborted) this.o.onError(error)
    }
  }
}
