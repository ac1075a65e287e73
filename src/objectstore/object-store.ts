import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import { BlobStore } from './blob-store.ts'
import { Bucket } from './bucket.ts'
import { BucketState, type StoreParts } from './bucket-state.ts'
import { type BucketRecord, IndexDatabase } from './index-database.ts'
import { LockClock } from './lock-clock.ts'
import { Outbox } from './outbox.ts'
import { machineRunningTime, type RunningTime } from './running-time.ts'

/** What a bucket may be created with: all of it is there from its first moment. */
export type BucketConfiguration = Pick<BucketRecord, 'versioning' | 'attributes' | 'settings'>

/**
 * Buckets of versioned objects in a folder: an ordered index, and the bytes of large objects beside it. One process owns
 * the folder (I9); what is acknowledged is on the disk.
 */
export class ObjectStore {
  readonly #buckets = new Map<string, Bucket>()

  private constructor(private readonly parts: StoreParts) {
    for (const { key: name, value: record } of parts.index.buckets.getRange()) {
      this.#remember(name, record)
    }
  }

  /**
   * @param o.encryptionKey  32 bytes, for the objects that are to be encrypted where they lie
   * @param o.running        what moves the clock by which locks end; the machine's by default
   */
  static async open(o: {
    folder: string
    encryptionKey: Buffer
    clock: Clock
    random: Random
    running?: RunningTime | undefined
  }): Promise<ObjectStore> {
    await mkdir(o.folder, { recursive: true, mode: 0o700 })
    const { clock, random, running = machineRunningTime } = o
    const index = IndexDatabase.open(join(o.folder, 'index.lmdb'))
    const folder = join(o.folder, 'blobs')
    const blobs = await BlobStore.open({ folder, index, storeKey: o.encryptionKey, random })
    const lockClock = await LockClock.open({ index, clock, running })
    const outbox = new Outbox(index, clock)
    return new ObjectStore({ index, blobs, outbox, clock, lockClock, random })
  }

  /** What is still to be told to others: see `PutOptions.outbox`. */
  get outbox(): Outbox {
    return this.parts.outbox
  }

  /** The time by which locks are set and end. It does not follow the wall clock: see LockClock. */
  lockTime(): Date {
    return this.parts.lockClock.now()
  }

  /** @throws LifeboatError `BucketExists` */
  async createBucket(name: string, o: Partial<BucketConfiguration> = {}): Promise<Bucket> {
    const { index, clock } = this.parts
    const record = await index.change(() => {
      if (index.buckets.doesExist(name)) {
        throw new LifeboatError('BucketExists', `there is a bucket '${name}' already`)
      }
      const numbers = [...index.buckets.getRange()].map(({ value }) => value.number)
      const created: BucketRecord = {
        number: Math.max(0, ...numbers) + 1,
        createdAtMs: clock.now().getTime(),
        versioning: 'off',
        attributes: {},
        settings: {},
        ...o,
      }
      index.buckets.put(name, created)
      return created
    })
    return this.#remember(name, record)
  }

  /** @throws LifeboatError `BucketNotFound`, `BucketNotEmpty` */
  async deleteBucket(name: string): Promise<void> {
    const { index } = this.parts
    const bucket = this.#buckets.get(name)
    await index.change(() => {
      if (!bucket || !index.buckets.doesExist(name)) {
        throw new LifeboatError('BucketNotFound', `there is no bucket '${name}'`)
      }
      if (!bucket.isEmpty()) {
        throw new LifeboatError('BucketNotEmpty', `bucket '${name}' is not empty`)
      }
      index.buckets.remove(name)
    })
    // Not before it is durable; and one of that name may have been created since.
    if (this.#buckets.get(name) === bucket) this.#buckets.delete(name)
  }

  findBucket(name: string): Bucket | undefined {
    return this.#buckets.get(name)
  }

  /** By name. */
  listBuckets(): Bucket[] {
    return [...this.#buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  async close(): Promise<void> {
    await this.parts.lockClock.keep()
    await this.parts.index.close()
  }

  #remember(name: string, record: BucketRecord): Bucket {
    const bucket = new Bucket(new BucketState(name, record, this.parts))
    this.#buckets.set(name, bucket)
    return bucket
  }
}
