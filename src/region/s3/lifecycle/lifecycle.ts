import { createHash } from 'node:crypto'
import { LifeboatError } from '../../../core/errors.ts'
import type { Bucket } from '../../../objectstore/bucket.ts'
import type { S3 } from '../s3.ts'
import { expireUploads, expireVersions, type Scan } from './scan.ts'

/** How often to look whether a run is due, in milliseconds. */
const POLL_MS = 250
/** How long a bucket waits after a run has failed, in milliseconds. */
const RETRY_MS = 60_000

/** How far the last run in a bucket has come; kept with the bucket. */
interface Progress {
  /** The beginning of the day that the run is for, in milliseconds since 1970. */
  readonly dayMs: number
  /** A hash of the rules that it obeys. */
  readonly rules: string
  /** All keys up to this one are done. */
  readonly afterKey?: string
  readonly isDone: boolean
}

const PROGRESS = 'lifecycle-progress'

/**
 * Expires what the lifecycle rules of the buckets say: in each bucket once a day, and when its rules have changed.
 *
 * A run is slow on purpose, so that requests are answered meanwhile. Each removal is one change that looks again whether the version is
 * still the one that has expired; so a run that was killed goes on from where it was, and doing a part of it twice changes
 * nothing. What it does is not replicated.
 *
 * Source: S3 User Guide, "Managing the lifecycle of objects" and "How S3 Lifecycle interacts with other bucket configurations".
 */
export class Lifecycle {
  readonly #ending = new AbortController()
  readonly #failedAtMs = new Map<string, number>()
  #running: Promise<void> | undefined

  /** @param onError  gets every failure of ours */
  constructor(
    private readonly s3: S3,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    this.#running = this.#run().catch(this.onError)
  }

  /** Ends soon, in the middle of a run. */
  async close(): Promise<void> {
    this.#ending.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      for (const bucket of this.s3.store.listBuckets()) await this.#tend(bucket)
      await this.#sleep(POLL_MS)
    }
  }

  async #tend(bucket: Bucket): Promise<void> {
    const run = this.#dueRun(bucket)
    const { clock } = this.s3.o
    if (!run || clock.monotonicMs() < (this.#failedAtMs.get(bucket.name) ?? -RETRY_MS) + RETRY_MS) {
      return
    }
    try {
      await this.#expire(bucket, run)
      this.#failedAtMs.delete(bucket.name)
    } catch (error) {
      if (error instanceof LifeboatError && error.code === 'BucketNotFound') return
      this.#failedAtMs.set(bucket.name, clock.monotonicMs())
      this.onError(error)
    }
  }

  /** The run that a bucket is in or is to begin with. */
  #dueRun(bucket: Bucket): Progress | undefined {
    const rules = hashOfRules(bucket)
    if (rules === undefined || this.#ending.signal.aborted) return undefined
    const { lifecycleDayMs: length } = this.s3.o
    const dayMs = Math.floor(this.s3.now().getTime() / length) * length
    const last = bucket.setting<Progress>(PROGRESS)
    if (!last || last.rules !== rules) return { dayMs, rules, isDone: false }
    if (!last.isDone) return last
    return last.dayMs < dayMs ? { dayMs, rules, isDone: false } : undefined
  }

  async #expire(bucket: Bucket, run: Progress): Promise<void> {
    const record = (progress: Progress) => bucket.setSetting(PROGRESS, progress)
    const scan: Scan = {
      s3: this.s3,
      bucket,
      goesOn: () => !this.#ending.signal.aborted && hashOfRules(bucket) === run.rules,
      rest: (ms) => this.#sleep(ms),
    }
    await expireUploads(scan)
    await expireVersions(scan, run.afterKey, (afterKey) => record({ ...run, afterKey }))
    const { afterKey, ...begun } = run
    if (scan.goesOn()) await record({ ...begun, isDone: true })
  }

  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#ending
    try {
      await this.s3.o.clock.sleep(ms, signal)
    } catch (error) {
      if (error !== signal.reason) throw error
    }
  }
}

const HASHES = new WeakMap<object, string>()

function hashOfRules(bucket: Bucket): string | undefined {
  const configuration = bucket.setting<object>('lifecycle')
  if (!configuration) return undefined
  const known = HASHES.get(configuration)
  if (known !== undefined) return known
  const hash = createHash('sha256').update(JSON.stringify(configuration)).digest('hex')
  HASHES.set(configuration, hash)
  return hash
}
