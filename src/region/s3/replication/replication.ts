import { setMaxListeners } from 'node:events'
import { LifeboatError } from '../../../core/errors.ts'
import type { Bucket } from '../../../objectstore/bucket.ts'
import type { ObjectVersion } from '../../../objectstore/object-version.ts'
import type { Tell } from '../../../objectstore/put-options.ts'
import type { ReplicationConfiguration } from '../../protocol/models/s3.ts'
import type { S3 } from '../s3.ts'
import { type Delivered, Delivery } from './delivery.ts'
import type { FailureReason } from './failure-reason.ts'
import { AT_ONCE, Lane } from './lane.ts'
import { type Pending, PendingTally } from './pending-tally.ts'
import type { Queued } from './queued.ts'
import { ReplicaClient } from './replica-client.ts'
import { RoleKeys, type ServiceSessions } from './role-keys.ts'
import { candidateOf, modificationTargetsOf, type Target, targetsOf } from './rules.ts'
import { replicationOf, withOutcome, withQueued } from './state.ts'

export interface ReplicationOptions {
  readonly sessions: ServiceSessions
  /** Where all regions of the home answer, as `http://127.0.0.1:4566`. */
  readonly endpoint: () => string
  /** Gets every failure of ours. */
  readonly onError: (error: unknown) => void
}

/** What became of an entry; durable when it is told. */
export interface ReplicationOutcome {
  readonly bucket: string
  readonly ruleId: string
  readonly destination: string
  readonly key: string
  readonly versionId: string
  readonly sizeBytes: number
  readonly queuedAt: Date
  readonly endedAt: Date
  /** Undefined when it was delivered. */
  readonly failureReason: FailureReason | undefined
}

/**
 * S3 Replication: versions go to the buckets that rules name, under the rule's role.
 *
 * A version and the entry that queues it are one change, and so are its outcome and the entry's end. A delivery may be made
 * twice, which changes nothing at the destination; so nothing is lost and nothing doubled, whichever side dies when.
 */
export class Replication {
  /** Called after each outcome. */
  onOutcome: ((outcome: ReplicationOutcome) => void) | undefined
  readonly #tally: PendingTally
  readonly #delivery: Delivery
  readonly #client: ReplicaClient
  readonly #lanes = new Map<string, Lane>()
  readonly #running: Promise<void>[] = []
  readonly #ending = new AbortController()
  #isStarted = false

  constructor(
    private readonly s3: S3,
    private readonly o: ReplicationOptions,
  ) {
    const { clock } = s3.o
    // Every request that travels listens to it.
    setMaxListeners(0, this.#ending.signal)
    this.#tally = new PendingTally(s3.store.outbox)
    const { region } = s3.o
    const maxConnections = 2 * AT_ONCE
    this.#client = new ReplicaClient({ region, endpoint: o.endpoint, clock, maxConnections })
    this.#delivery = new Delivery(s3, new RoleKeys(o.sessions, clock), this.#client)
  }

  /** Begins to deliver: first what is queued from before. */
  start(): void {
    this.#isStarted = true
    this.wake()
  }

  /** Says that something may have been queued, once that is durable. */
  wake(): void {
    if (!this.#isStarted || this.#ending.signal.aborted) return
    const { found, isAtEnd } = this.#tally.scan()
    for (const [destination, first] of found) this.#ensureLane(destination, first)
    if (!isAtEnd) setImmediate(() => this.wake())
  }

  /** Delivers no more. What is queued stays so. */
  async close(): Promise<void> {
    this.#ending.abort()
    this.#client.close()
    await Promise.all(this.#running)
  }

  /** For the change that writes a version into a bucket: queues it as the bucket's rules say. */
  ofWrite(bucket: Bucket): Tell {
    return (version) => queued(bucket, version, targetsNow(bucket, version), this.#queueing(false))
  }

  /** For a change of a version's tags or lock: it follows the version to where that went. */
  ofChange(bucket: Bucket): Tell {
    return (version) => {
      const state = replicationOf(version)
      const targets =
        state?.status === 'REPLICA'
          ? modificationTargetsOf(configurationOf(bucket), candidateOf(version))
          : targetsNow(bucket, version).filter(({ destination }) => {
              const known = state?.destinations?.[destination]
              return known !== undefined && known.status !== 'FAILED'
            })
      return queued(bucket, version, targets, this.#queueing(true))
    }
  }

  /**
   * Queues a version that is there already, whatever became of it before; also a replica.
   *
   * @returns `queued`, or why it cannot be
   */
  async enqueue(bucket: Bucket, key: string, versionId: string): Promise<'queued' | FailureReason> {
    const version = bucket.find(key, versionId)
    if (!version) return 'SrcObjectNotFound'
    if (!configurationOf(bucket)) return 'SrcBucketReplicationConfigMissing'
    if (targetsNow(bucket, version).length === 0) return 'SrcObjectNotEligible'
    try {
      await bucket.update(key, versionId, { outbox: this.ofWrite(bucket) })
    } catch (error) {
      if (isGone(error)) return 'SrcObjectNotFound'
      throw error
    }
    this.wake()
    return 'queued'
  }

  /** What is queued now, by source bucket, rule and destination. */
  pending(): (Pending & { readonly destinationRegion: string | undefined })[] {
    this.#tally.scan()
    return this.#tally.pending().map((pending) => ({
      ...pending,
      destinationRegion: this.s3.directory.find(pending.destination)?.region,
    }))
  }

  #queueing(isChange: boolean): { isChange: boolean; queuedAtMs: number } {
    return { isChange, queuedAtMs: this.s3.now().getTime() }
  }

  #ensureLane(destination: string, first: number): void {
    const known = this.#lanes.get(destination)
    if (known) {
      known.wake()
      return
    }
    const { clock, random } = this.s3.o
    const { signal } = this.#ending
    const lane = new Lane({
      destination,
      after: first - 1,
      outbox: this.s3.store.outbox,
      deliver: (entry, sequence) => this.#deliver(entry, sequence),
      clock,
      random,
      signal,
    })
    this.#lanes.set(destination, lane)
    this.#running.push(lane.run().catch(this.o.onError))
  }

  async #deliver(entry: Queued, sequence: number): Promise<'settled' | 'away'> {
    const { signal } = this.#ending
    try {
      const outcome = await this.#delivery.deliver(entry, signal)
      if (outcome.kind === 'away') return 'away'
      await this.#settle(entry, sequence, outcome)
      return 'settled'
    } catch (error) {
      // It stays queued; nothing is lost by trying again.
      if (!signal.aborted) this.o.onError(error)
      return 'away'
    }
  }

  async #settle(entry: Queued, sequence: number, outcome: Delivered): Promise<void> {
    const { bucket, key, versionId, destination, ruleId, sizeBytes } = entry
    const failureReason = outcome.kind === 'failed' ? outcome.reason : undefined
    const tell: Tell = (version) => ({
      attributes: { replication: withOutcome(replicationOf(version), entry, failureReason) },
      entries: [],
    })
    const found = outcome.kind === 'gone' ? undefined : this.s3.store.findBucket(bucket)
    try {
      await found?.update(key, versionId, { outbox: tell, settles: sequence })
      if (!found) await this.s3.store.outbox.remove(sequence)
    } catch (error) {
      if (!isGone(error)) throw error
      await this.s3.store.outbox.remove(sequence)
    }
    this.#tally.settle(entry, sequence)
    if (outcome.kind === 'gone') return
    this.onOutcome?.({
      ...{ bucket, ruleId, destination, key, versionId, sizeBytes, failureReason },
      queuedAt: new Date(entry.queuedAtMs),
      endedAt: this.s3.now(),
    })
  }
}

function configurationOf(bucket: Bucket): ReplicationConfiguration | undefined {
  return bucket.setting<ReplicationConfiguration>('replication')
}

function targetsNow(bucket: Bucket, version: ObjectVersion): Target[] {
  return targetsOf(configurationOf(bucket), candidateOf(version))
}

function queued(
  { name: bucket }: Bucket,
  version: ObjectVersion,
  targets: readonly Target[],
  o: { isChange: boolean; queuedAtMs: number },
): ReturnType<Tell> {
  if (targets.length === 0) return undefined
  const { key, versionId } = version
  const sizeBytes = o.isChange ? 0 : version.sizeBytes
  return {
    attributes: { replication: withQueued(replicationOf(version), targets) },
    entries: targets.map(
      ({ destination, ruleId }): Queued => ({
        ...{ kind: 'replica', bucket, key, versionId, destination, ruleId, sizeBytes },
        ...o,
      }),
    ),
  }
}

function isGone(error: unknown): boolean {
  return (
    error instanceof LifeboatError &&
    (error.code === 'ObjectNotFound' || error.code === 'BucketNotFound')
  )
}
