import type { Clock } from '../../core/clock.ts'
import type { MetricSeries } from './metric-series.ts'

interface Lane {
  readonly bucket: string
  readonly ruleId: string
  readonly destination: string
}

/** What the metrics of replication are read from. */
export interface ReplicationFigures {
  pending(): (Lane & {
    readonly operations: number
    readonly bytes: number
    readonly oldestAt: Date
  })[]
}

/** What became of a version on its way. */
export interface Outcome extends Lane {
  readonly queuedAt: Date
  readonly endedAt: Date
  /** Undefined when it was delivered. */
  readonly failureReason: string | undefined
}

const SAMPLE_MS = 15_000

/**
 * Puts what S3 replicates into the series of the namespace AWS/S3. Unlike AWS: also for rules without `Metrics`.
 *
 * Source: S3 User Guide, "Metrics and dimensions": S3 Replication metrics.
 */
export class ReplicationMetrics {
  readonly #ending = new AbortController()
  readonly #seen = new Map<string, Lane>()

  constructor(
    private readonly o: {
      series: MetricSeries
      figures: ReplicationFigures
      clock: Clock
      onError: (error: unknown) => void
    },
  ) {}

  begin(): void {
    const { signal } = this.#ending
    const sample = async () => {
      while (!signal.aborted) {
        this.sample()
        await this.o.clock.sleep(SAMPLE_MS, signal)
      }
    }
    sample().catch((error: unknown) => {
      if (!signal.aborted) this.o.onError(error)
    })
  }

  end(outcome: Outcome): void {
    const { endedAt, queuedAt, failureReason } = outcome
    if (failureReason === undefined) {
      const latency = Math.max(0, (endedAt.getTime() - queuedAt.getTime()) / 1000)
      this.#record(outcome, 'ReplicationLatency', 'Seconds', latency, endedAt)
    }
    const failed = failureReason === undefined ? 0 : 1
    this.#record(outcome, 'OperationsFailedReplication', 'Count', failed, endedAt)
  }

  close(): void {
    this.#ending.abort()
  }

  /** Records what is queued now; what was queued before and is not any more is recorded as nothing. */
  sample(): void {
    const now = this.o.clock.now()
    const nothing = { operations: 0, bytes: 0, oldestAt: now }
    const found = new Map(this.o.figures.pending().map((pending) => [idOf(pending), pending]))
    for (const pending of found.values()) this.#seen.set(idOf(pending), pending)
    for (const [id, lane] of this.#seen) {
      const { operations, bytes, oldestAt } = found.get(id) ?? nothing
      this.#record(lane, 'OperationsPendingReplication', 'Count', operations, now)
      this.#record(lane, 'BytesPendingReplication', 'Bytes', bytes, now)
      if (operations === 0) continue
      const latency = Math.max(0, (now.getTime() - oldestAt.getTime()) / 1000)
      this.#record(lane, 'ReplicationLatency', 'Seconds', latency, now)
    }
  }

  #record(lane: Lane, name: string, unit: string, value: number, at: Date): void {
    const { bucket, destination, ruleId } = lane
    if (!this.#seen.has(idOf(lane))) this.#seen.set(idOf(lane), { bucket, destination, ruleId })
    const dimensions = { SourceBucket: bucket, DestinationBucket: destination, RuleId: ruleId }
    this.o.series.record({ namespace: 'AWS/S3', name, unit, dimensions }, value, at)
  }
}

function idOf({ bucket, destination, ruleId }: Lane): string {
  return JSON.stringify([bucket, destination, ruleId])
}
