import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import type { BlobStore } from './blob-store.ts'
import type { BucketRecord, IndexDatabase } from './index-database.ts'
import type { LockClock } from './lock-clock.ts'
import type { Outbox } from './outbox.ts'

/** What all buckets of a store share. */
export interface StoreParts {
  readonly index: IndexDatabase
  readonly blobs: BlobStore
  readonly outbox: Outbox
  readonly clock: Clock
  readonly lockClock: LockClock
  readonly random: Random
}

/** A bucket's own record, and the parts of the store that it is in. */
export class BucketState {
  #record: BucketRecord

  constructor(
    readonly name: string,
    record: BucketRecord,
    private readonly parts: StoreParts,
  ) {
    this.#record = record
  }

  get record(): BucketRecord {
    return this.#record
  }

  get number(): number {
    return this.#record.number
  }

  get versioning(): BucketRecord['versioning'] {
    return this.#record.versioning
  }

  get index(): IndexDatabase {
    return this.parts.index
  }

  get blobs(): BlobStore {
    return this.parts.blobs
  }

  get outbox(): Outbox {
    return this.parts.outbox
  }

  get random(): Random {
    return this.parts.random
  }

  now(): Date {
    return this.parts.clock.now()
  }

  /** By which locks end: not the wall clock. */
  lockTime(): Date {
    return this.parts.lockClock.now()
  }

  /**
   * Runs `change` alone; what it wrote is durable when this resolves, and files that nothing refers to any more are gone.
   *
   * @param o.frees  whether it makes space, so that a full disk does not keep it from that
   * @throws LifeboatError `BucketNotFound` when the bucket was deleted in the meantime, `DiskFull`, and what `change` throws
   */
  async change<Result>(change: () => Result, o: { frees?: boolean } = {}): Promise<Result> {
    const result = await this.index.change(() => {
      this.#refuseIfDeleted()
      this.parts.lockClock.keepSometimes()
      return change()
    }, o)
    await this.blobs.collect()
    return result
  }

  /** Changes the bucket's own record by what `next` makes of the one that is there then. */
  async reconfigure(next: (record: BucketRecord) => Partial<BucketRecord>): Promise<void> {
    const { buckets } = this.index
    await this.change(() => {
      const record = buckets.get(this.name) ?? this.#record
      buckets.put(this.name, { ...record, ...next(record) })
    })
    // Not before it is durable; and another change may have come after this one.
    this.#record = buckets.get(this.name) ?? this.#record
  }

  #refuseIfDeleted(): void {
    if (this.index.buckets.get(this.name)?.number === this.number) return
    throw new LifeboatError('BucketNotFound', `there is no bucket '${this.name}'`)
  }
}
