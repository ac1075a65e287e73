import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import type { Bucket } from '../../src/objectstore/bucket.ts'
import { ObjectStore } from '../../src/objectstore/object-store.ts'
import type { ObjectVersion } from '../../src/objectstore/object-version.ts'
import type { RunningTime } from '../../src/objectstore/running-time.ts'

/** Of a machine that runs as a test says. */
class SetRunningTime implements RunningTime {
  boot = 'first'
  ms = 0

  elapsedMs(): number {
    return this.ms
  }
}

/** A store in a folder of its own, whose clock is set by the test. */
export class StoreUnderTest {
  #now: Date | undefined
  readonly #encryptionKey = randomBytes(32)
  readonly #clock: Clock = {
    ...systemClock,
    now: () => this.#now ?? systemClock.now(),
    monotonicMs: () => this.running.ms,
  }
  #buckets = 0
  readonly running = new SetRunningTime()

  private constructor(
    readonly folder: string,
    public store: ObjectStore,
  ) {}

  /**
   * @param prepare  is given its folder before anything is in it
   * @param now      what the clock shows from the beginning; by default the time of day
   */
  static async open(prepare?: (folder: string) => void, now?: Date): Promise<StoreUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'lifeboat-objects-'))
    prepare?.(folder)
    const under = new StoreUnderTest(folder, undefined as unknown as ObjectStore)
    under.setClock(now)
    under.store = await under.#open()
    return under
  }

  setClock(now: Date | undefined): void {
    this.#now = now
  }

  /** Time that passes, which is another thing than a clock that is set. */
  pass(ms: number): void {
    this.running.ms += ms
    if (this.#now) this.#now = new Date(this.#now.getTime() + ms)
  }

  /** The machine is started again: its running time begins anew. */
  reboot(boot: string): void {
    Object.assign(this.running, { boot, ms: 0 })
  }

  /**
   * Closes it and opens it again from what is on the disk.
   *
   * @param meanwhile  happens while it is closed
   */
  async reopen(o: { encryptionKey?: Buffer } = {}, meanwhile?: () => void): Promise<void> {
    await this.store.close()
    meanwhile?.()
    this.store = await this.#open(o)
  }

  /** What another machine, or this one after a power cut, would find on the disk now. */
  async copyOfDisk(): Promise<StoreUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'lifeboat-objects-'))
    await cp(this.folder, folder, { recursive: true })
    const copy = new StoreUnderTest(folder, this.store)
    copy.reboot('of the copy')
    copy.store = await copy.#open()
    return copy
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
      running: this.running,
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
