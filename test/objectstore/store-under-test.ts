import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import type { Bucket } from '../../src/objectstore/bucket.ts'
import { ObjectStore } from '../../src/objectstore/object-store.ts'
import type { ObjectVersion } from '../../src/objectstore/object-version.ts'

/** A store in a folder of its own, whose clock is set by the test. */
export class StoreUnderTest {
  #now: Date | undefined
  readonly #encryptionKey = randomBytes(32)
  readonly #clock: Clock = { ...systemClock, now: () => this.#now ?? systemClock.now() }
  #buckets = 0

  private constructor(
    readonly folder: string,
    public store: ObjectStore,
  ) {}

  /** @param prepare  is given its folder before anything is in it */
  static async open(prepare?: (folder: string) => void): Promise<StoreUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'lifeboat-objects-'))
    prepare?.(folder)
    const under = new StoreUnderTest(folder, undefined as unknown as ObjectStore)
    under.store = await under.#open()
    return under
  }

  setClock(now: Date | undefined): void {
    this.#now = now
  }

  /** Closes it and opens it again from what is on the disk. */
  async reopen(o: { encryptionKey?: Buffer } = {}): Promise<void> {
    await this.store.close()
    this.store = await this.#open(o)
  }

  async createBucket(versioning: Bucket['versioning'] = 'off'): Promise<Bucket> {
    const bucket = await this.store.createBucket(`bucket-${this.#buckets++}`)
    if (versioning !== 'off') await bucket.setVersioning(versioning)
    return bucket
  }

  async close(): Promise<void> {
    await this.store.close()
    await rm(this.folder, { recursive: true })
  }

  #open(o: { encryptionKey?: Buffer } = {}): Promise<ObjectStore> {
    return ObjectStore.open({
      folder: this.folder,
      encryptionKey: this.#encryptionKey,
      clock: this.#clock,
      random: systemRandom,
      ...o,
    })
  }
}

export async function bytesOf(
  bucket: Bucket,
  version: ObjectVersion,
  range?: { from: number; to: number },
): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of bucket.read(version, range)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

/** The code with which a call was refused. */
export async function codeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call
  } catch (error) {
    return (error as { code?: unknown }).code
  }
  return 'no error'
}
