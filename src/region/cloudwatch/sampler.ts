import type { Clock } from '../../core/clock.ts'
import { type MetricSource, SAMPLE_DEADLINE_MS } from '../metric-source.ts'
import type { MetricSeries } from './metric-series.ts'

const EVERY_MS = 15_000

/** Asks the services of a region for their metrics: by the clock, and whenever somebody wants to know. */
export class Sampler {
  readonly #ending = new AbortController()
  readonly #asked = new Map<MetricSource, Promise<void>>()

  constructor(
    private readonly o: {
      sources: readonly MetricSource[]
      series: MetricSeries
      clock: Clock
      onError: (error: unknown) => void
    },
  ) {}

  begin(): void {
    const { signal } = this.#ending
    const run = async () => {
      while (!signal.aborted) {
        await this.sample()
        await this.o.clock.sleep(EVERY_MS, signal)
      }
    }
    run().catch((error: unknown) => {
      if (!signal.aborted) this.o.onError(error)
    })
  }

  /** Brings the series up to date, as far as the sources answer in time. */
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
      for (const { value, at = askedAt, ...metric } of await source.sample()) {
        this.o.series.record(metric, value, at)
      }
    } catch (error) {
      if (!this.#ending.signal.aborted) this.o.onError(error)
    }
  }
}
