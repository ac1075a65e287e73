import type { Buckets, ListedVersion } from '../../aws/buckets.ts'
import { compareKeys } from '../../core/object-key-order.ts'
import type { BucketPart } from './changes-since.ts'

/** What one bucket has and its replica has not: what would be lost if the bucket's region were lost at this moment. */
export interface PairComparison {
  /** Of the source: objects and delete markers. */
  readonly versions: number
  readonly bytes: number
  readonly missing: {
    readonly versions: number
    readonly bytes: number
    /** The moment at which the oldest one was written; null when none is missing. */
    readonly oldestAt: Date | null
    /** Some of them, so that it can be asked why. */
    readonly some: readonly ListedVersion[]
  }
  /** Delete markers that the replica has not: objects that would be there again. */
  readonly missingMarkers: number
  /** Versions that only the replica has: destroyed at the source, or written over there. */
  readonly surplus: number
}

export interface Pair {
  readonly source: { readonly buckets: Buckets; readonly part: BucketPart }
  readonly replica: { readonly buckets: Buckets; readonly bucket: string }
}

/** Of so many missing versions it is asked why. */
const KEPT = 1_000

/**
 * Compares a bucket and its replica version by version: both have the same ids. The replica is listed behind the source,
 * so that what arrives meanwhile is not called missing; what is written meanwhile may be, as it would be lost.
 */
export async function comparePair(
  { source, replica }: Pair,
  onProgress?: (versions: number) => void,
): Promise<PairComparison> {
  const tally = new Tally()
  for (const prefix of source.part.prefixes.toSorted(compareKeys)) {
    const here = await KeyGroups.begin(source.buckets, source.part.bucket, prefix)
    const there = await KeyGroups.begin(replica.buckets, replica.bucket, prefix)
    while (here.key !== undefined || there.key !== undefined) {
      const order =
        here.key === undefined ? 1 : there.key === undefined ? -1 : compareKeys(here.key, there.key)
      tally.add(order > 0 ? [] : here.versions, order < 0 ? [] : there.versions)
      if (order <= 0) await here.advance()
      if (order >= 0) await there.advance()
      onProgress?.(tally.versions)
    }
  }
  return tally.result()
}

class Tally {
  versions = 0
  #bytes = 0
  #missing = 0
  #missingBytes = 0
  #missingMarkers = 0
  #oldestAt: Date | null = null
  readonly #some: ListedVersion[] = []
  #surplus = 0

  /** The versions of one key, here and there. */
  add(here: readonly ListedVersion[], there: readonly ListedVersion[]): void {
    const ids = new Set(there.map(({ versionId }) => versionId))
    for (const version of here) {
      this.versions += 1
      this.#bytes += version.sizeBytes
      if (!ids.delete(version.versionId)) this.#miss(version)
    }
    this.#surplus += ids.size
  }

  result(): PairComparison {
    return {
      versions: this.versions,
      bytes: this.#bytes,
      missing: {
        versions: this.#missing,
        bytes: this.#missingBytes,
        oldestAt: this.#oldestAt,
        some: this.#some,
      },
      missingMarkers: this.#missingMarkers,
      surplus: this.#surplus,
    }
  }

  #miss(version: ListedVersion): void {
    if (version.isDeleteMarker) {
      this.#missingMarkers += 1
      return
    }
    this.#missing += 1
    this.#missingBytes += version.sizeBytes
    if (!this.#oldestAt || version.modifiedAt < this.#oldestAt) this.#oldestAt = version.modifiedAt
    if (this.#some.length < KEPT) this.#some.push(version)
  }
}

/** The versions of a bucket, those of one key at a time. */
class KeyGroups {
  key: string | undefined
  versions: ListedVersion[] = []
  #page: readonly ListedVersion[] = []
  #at = 0

  private constructor(private readonly pages: AsyncIterator<readonly ListedVersion[]>) {}

  static async begin(buckets: Buckets, bucket: string, prefix: string): Promise<KeyGroups> {
    const groups = new KeyGroups(buckets.listVersionPages(bucket, prefix))
    await groups.advance()
    return groups
  }

  /** On to the next key; `key` is undefined behind the last one. */
  async advance(): Promise<void> {
    this.versions = []
    this.key = undefined
    for (;;) {
      if (this.#at === this.#page.length && !(await this.#turn())) return
      const version = this.#page[this.#at]!
      if (this.key !== undefined && version.key !== this.key) return
      this.key = version.key
      this.versions.push(version)
      this.#at += 1
    }
  }

  async #turn(): Promise<boolean> {
    const { value, done } = await this.pages.next()
    if (done) return false
    this.#page = value
    this.#at = 0
    return value.length > 0 || this.#turn()
  }
}
