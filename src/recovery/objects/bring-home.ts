import type { Buckets, ListedVersion } from '../../aws/buckets.ts'
import type { Clock } from '../../core/clock.ts'
import { concurrently } from '../../core/concurrently.ts'
import { compareKeys } from '../../core/object-key-order.ts'
import type { Bucket } from '../workload.ts'

/** A bucket where the objects are now, and the one that they come home to. */
export interface WayHome {
  readonly away: { readonly buckets: Buckets; readonly bucket: string }
  readonly home: { readonly buckets: Buckets; readonly bucket: string }
  readonly prefixes: Bucket['prefixes']
  /** Whether an object belongs to the workload, by its key: Lifeboat keeps things of its own beside it. */
  readonly isOurs: (key: string) => boolean
}

/** What a pass has done, and found. JSON. */
export type BroughtHome = {
  readonly compared: number
  readonly copied: number
  readonly hidden: number
  /** In front away, and left to S3, which is about to replicate it; 0 when that was waited for. */
  readonly coming: number
  /** Versions that only the bucket at home has: they were not shipped before the failover. They stay, some under what came home. */
  readonly onlyHome: readonly { readonly key: string; readonly versionId: string }[]
}

export interface BringHome {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onProgress: (compared: number) => void
  /**
   * While customers write: what is newer belongs to a later pass, so that this one ends, and what S3 is about to replicate is
   * left to it. Without it, it is waited for, as long as some of it arrives.
   */
  readonly writtenBefore?: Date
}

const LOOK_EVERY_MS = 500
/** So long nothing arrives, and S3 is no longer waited for: customers wait, and a copy on top does no harm. */
const PATIENCE_MS = 10_000

/**
 * Makes what is in front at home what is in front away: copies on top of what differs, delete markers on what was deleted. It
 * destroys no version, and can be repeated: a later pass has only the later writes to do.
 */
export async function bringHome(way: WayHome, o: BringHome): Promise<BroughtHome> {
  const pass = new Pass(way, o)
  for (const prefix of way.prefixes) await pass.bring(prefix)
  if (!o.writtenBefore) await pass.waitForComing()
  return pass.result()
}

class Pass {
  readonly #count = { compared: 0, copied: 0, hidden: 0, coming: 0 }
  readonly #onlyHome: { key: string; versionId: string }[] = []
  /** Those that are waited for. */
  #coming: ListedVersion[] = []

  constructor(
    private readonly way: WayHome,
    private readonly o: BringHome,
  ) {}

  result(): BroughtHome {
    return { ...this.#count, onlyHome: this.#onlyHome }
  }

  async bring(prefix: string): Promise<void> {
    const { away, home, isOurs } = this.way
    const pairs = pairsOf(
      objectsOf(away.buckets.listVersions(away.bucket, prefix)),
      objectsOf(home.buckets.listVersions(home.bucket, prefix)),
    )
    const work = async (pair: Pair) => (isOurs(pair.key) ? await this.#bring(pair) : undefined)
    await concurrently(pairs, work, { signal: this.o.signal })
  }

  /** What does not arrive, or not in front, is copied in the end. */
  async waitForComing(): Promise<void> {
    const { clock, signal } = this.o
    let arrivedAt = clock.monotonicMs()
    while (this.#coming.length > 0) {
      const before = this.#coming
      this.#coming = []
      const isGivenUp = clock.monotonicMs() - arrivedAt > PATIENCE_MS
      await concurrently(
        before,
        async (version) => {
          const isPending = (await this.#statusOf(version)) === 'pending'
          if (isPending && !isGivenUp) this.#coming.push(version)
          else if (isPending || !(await this.#isInFront(version))) await this.#copy(version)
        },
        { signal },
      )
      if (this.#coming.length < before.length) arrivedAt = clock.monotonicMs()
      if (this.#coming.length > 0) await clock.sleep(LOOK_EVERY_MS, signal)
    }
    this.#count.coming = 0
  }

  async #bring({ key, there, here }: Pair): Promise<void> {
    const { home } = this.way
    const { writtenBefore, onProgress } = this.o
    const count = this.#count
    count.compared += 1
    if (count.compared % 1000 === 0) onProgress(count.compared)
    this.#onlyHome.push(...unshipped(here, there).map(({ versionId }) => ({ key, versionId })))
    const wanted = frontOf(there)
    const found = frontOf(here)
    if (!wanted || (writtenBefore && wanted.modifiedAt > writtenBefore)) return
    if (wanted.isDeleteMarker) {
      if (!found || found.isDeleteMarker) return
      await home.buckets.hide(home.bucket, key)
      count.hidden += 1
      return
    }
    if (found && !found.isDeleteMarker && isSame(found, wanted)) return
    if ((await this.#statusOf(wanted)) !== 'pending') return this.#copy(wanted)
    count.coming += 1
    if (!writtenBefore) this.#coming.push(wanted)
  }

  /** S3 calls a version completed that has come to another bucket, or under a newer one that was never shipped. */
  async #isInFront(version: ListedVersion): Promise<boolean> {
    const { buckets, bucket } = this.way.home
    const front = await buckets.findFront(bucket, version.key)
    return front !== undefined && isSame(front, version)
  }

  async #copy(version: ListedVersion): Promise<void> {
    const { away, home } = this.way
    await home.buckets.putOnTop(home.bucket, version, away)
    this.#count.copied += 1
  }

  #statusOf({ key, versionId }: ListedVersion) {
    const { buckets, bucket } = this.way.away
    return buckets.findReplicationStatus(bucket, key, versionId)
  }
}

type Content = Pick<ListedVersion, 'versionId' | 'etag'>

/** Replicated, or copied. The entity tag of a replica differs when it is encrypted by another key. */
function isSame(one: Content, other: Content): boolean {
  return one.versionId === other.versionId || one.etag === other.etag
}

/** All versions of a key, as they are listed. */
type Versions = readonly ListedVersion[]

async function* objectsOf(versions: AsyncIterable<ListedVersion>): AsyncGenerator<Versions> {
  let ofKey: ListedVersion[] = []
  for await (const version of versions) {
    if (ofKey.length > 0 && ofKey[0]!.key !== version.key) {
      yield ofKey
      ofKey = []
    }
    ofKey.push(version)
  }
  if (ofKey.length > 0) yield ofKey
}

const frontOf = (versions: Versions) => versions.find(({ isLatest }) => isLatest)

/** Content that is at home and was never away. What was brought home has a version of its own, and content that is away. */
function unshipped(here: Versions, there: Versions): Versions {
  const known = new Set(there.flatMap(({ versionId, etag }) => [versionId, etag]))
  return here.filter(
    (one) => !one.isDeleteMarker && !known.has(one.versionId) && !known.has(one.etag),
  )
}

interface Pair {
  readonly key: string
  readonly there: Versions
  readonly here: Versions
}

/** Two listings side by side, in the order of keys. */
async function* pairsOf(
  there: AsyncGenerator<Versions>,
  here: AsyncGenerator<Versions>,
): AsyncGenerator<Pair> {
  const keyOf = ([first]: Versions) => first!.key
  let [a, b] = await Promise.all([there.next(), here.next()])
  while (!a.done || !b.done) {
    const order = a.done ? 1 : b.done ? -1 : compareKeys(keyOf(a.value), keyOf(b.value))
    const key = keyOf(order <= 0 ? a.value : b.value)
    yield { key, there: order <= 0 ? a.value : [], here: order >= 0 ? b.value : [] }
    if (order <= 0) a = await there.next()
    if (order >= 0) b = await here.next()
  }
}
