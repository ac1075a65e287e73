import type { Clock } from '../../../core/clock.ts'
import type { Measurement, MetricSource } from '../../metric-source.ts'
import type { Replication, ReplicationOutcome } from './replication.ts'

interface Lane {
  readonly bucket: string
  readonly ruleId: string
  readonly destination: string
}

/** Outcomes that nobody has asked for are forgotten beyond so many, the oldest first. */
const MAX_UNTOLD = 10_000

/**
 * Measures what S3 replicates, in the namespace AWS/S3. Unlike AWS: rules without `Metrics` are measured, too.
 *
 * Source: S3 User Guide, "Metrics and dimensions": S3 Replication metrics.
 */
export class ReplicationMetrics implements MetricSource {
  readonly #seen = new Map<string, Lane>()
  #untold: Measurement[] = []

  constructor(
    private readonly replication: Pick<Replication, 'pending' | 'onOutcome'>,
    private readonly clock: Clock,
  ) {
    replication.onOutcome = (outcome) => this.#end(outcome)
  }

  /** What is queued now, and what has ended; what was queued before and is not any more is told as nothing. */
  async sample(): Promise<readonly Measurement[]> {
    const now = this.clock.now()
    const nothing = { operations: 0, bytes: 0, oldestAt: now }
    const found = new Map(this.replication.pending().map((pending) => [idOf(pending), pending]))
    for (const pending of found.values()) this.#seen.set(idOf(pending), pending)
    const ended = this.#untold
    this.#untold = []
    const queued = [...this.#seen].flatMap(([id, lane]) => {
      const { operations, bytes, oldestAt } = found.get(id) ?? nothing
      const latency = secondsBetween(oldestAt, now)
      return [
        measured(lane, 'OperationsPendingReplication', 'Count', operations, now),
        measured(lane, 'BytesPendingReplication', 'Bytes', bytes, now),
        ...(operations > 0 ? [measured(lane, 'ReplicationLatency', 'Seconds', latency, now)] : []),
      ]
    })
    return [...ended, ...queued]
  }

  #end(outcome: ReplicationOutcome): void {
    const { bucket, destination, ruleId, endedAt, queuedAt, failureReason } = outcome
    const lane = { bucket, destination, ruleId }
    this.#seen.set(idOf(lane), lane)
    if (failureReason === undefined) {
      const latency = secondsBetween(queuedAt, endedAt)
      this.#untold.push(measured(lane, 'ReplicationLatency', 'Seconds', latency, endedAt))
    }
    const failed = failureReason === undefined ? 0 : 1
    this.#untold.push(measured(lane, 'OperationsFailedReplication', 'Count', failed, endedAt))
    if (this.#untold.length > MAX_UNTOLD) this.#untold = this.#untold.slice(-MAX_UNTOLD / 2)
  }
}

function measured(
  { bucket, destination, ruleId }: Lane,
  name: string,
  unit: string,
  value: number,
  at: Date,
): Measurement {
  const dimensions = { SourceBucket: bucket, DestinationBucket: destination, RuleId: ruleId }
  return { namespace: 'AWS/S3', name, unit, dimensions, value, at }
}

function secondsBetween(from: Date, to: Date): number {
  return Math.max(0, (to.getTime() - from.getTime()) / 1000)
}

function idOf({ bucket, destination, ruleId }: Lane): string {
  return JSON.stringify([bucket, destination, ruleId])
}
