import type { RegionClient } from '../../aws/region-client.ts'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { History } from '../history.ts'
import { type ReplicatedBucket, replicatedOf, type Workload } from '../workload.ts'
import { type CanaryTravel, sendCanary } from './canary.ts'

const EVERY_MS = 60_000

/** Sends a canary along each pair of a workload's buckets, once a minute, and keeps how long each took. */
export class CanaryRounds {
  readonly #stopping = new AbortController()
  #running: Promise<unknown> | undefined

  constructor(
    private readonly o: {
      workload: Workload
      region: RegionClient
      reach: (region: string) => Promise<RegionClient>
      history: History
      clock: Clock
      onTravel?: (bucket: ReplicatedBucket, travel: CanaryTravel) => void
    },
  ) {}

  start(): void {
    const pairs = replicatedOf(this.o.workload)
    this.#running ??= Promise.all(pairs.map((bucket) => this.#rounds(bucket)))
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new LifeboatError('ExecutionCanceled', 'the canaries were stopped'))
    await this.#running
  }

  async #rounds(bucket: ReplicatedBucket): Promise<void> {
    const { workload, region, reach, history, clock, onTravel } = this.o
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs()
      const source = region.buckets
      const replica = (await reach(bucket.replica.region)).buckets
      const travel = await sendCanary({ bucket, source, replica, clock, signal })
      if (signal.aborted) return
      await this.#keep(() => history.recordCanary(workload.name, bucket.replica.bucket, travel))
      onTravel?.(bucket, travel)
      const leftMs = Math.max(0, EVERY_MS - (clock.monotonicMs() - startedMs))
      await clock.sleep(leftMs, signal).catch((reason: unknown) => {
        if (!signal.aborted) throw reason
      })
    }
  }

  /** Canaries travel on while Lifeboat's own database is away: an old one says so by its age. */
  async #keep(record: () => Promise<void>): Promise<void> {
    try {
      await record()
    } catch (error) {
      if (!(error instanceof LifeboatError) || error.code !== 'StateUnreachable') throw error
    }
  }
}
