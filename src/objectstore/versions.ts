import type { Random } from '../core/random.ts'
import type { IndexDatabase } from './index-database.ts'
import type { VersionRecord } from './object-version.ts'
import {
  behind,
  keyPrefix,
  makePlace,
  PLACE_BYTES,
  parsePlace,
  placeIn,
  placeOfVersionId,
  versionKey,
} from './version-key.ts'

/** A version and where it stands among those of its key. */
export interface PlacedVersion {
  readonly place: Buffer
  readonly record: VersionRecord
}

export const NULL_VERSION = 'null'

/** The versions under one key, newest first. Its reads see what the running change has written. */
export class Versions {
  readonly #prefix: Buffer

  constructor(
    private readonly index: IndexDatabase,
    bucket: number,
    key: string,
  ) {
    this.#prefix = keyPrefix(bucket, key)
  }

  latest(): PlacedVersion | undefined {
    for (const version of this.#all(1)) return version
    return undefined
  }

  /** Whether there is exactly one. */
  isAlone(): boolean {
    return [...this.#all(2)].length === 1
  }

  find(versionId: string): PlacedVersion | undefined {
    if (versionId === NULL_VERSION) return this.#findNull()
    const place = placeOfVersionId(versionId)
    const record = place && this.index.versions.get(versionKey(this.#prefix, place))
    return place && record && record.versionId === versionId ? { place, record } : undefined
  }

  put({ place, record }: PlacedVersion): void {
    this.index.versions.put(versionKey(this.#prefix, place), record)
  }

  remove(place: Buffer): void {
    this.index.versions.remove(versionKey(this.#prefix, place))
  }

  /** A place in front of all others, also when the clock was put back. */
  nextPlace(now: Date, random: Random): Buffer {
    const latest = this.latest()
    const before = latest ? parsePlace(latest.place) : { timeMs: 0, count: 0 }
    const timeMs = Math.max(now.getTime(), before.timeMs)
    const count = timeMs === before.timeMs ? before.count + 1 : 0
    return makePlace({ timeMs, count }, random.hex((PLACE_BYTES - 12) * 2))
  }

  /** There is one at most. It may stand behind others: from before versioning was enabled. */
  #findNull(): PlacedVersion | undefined {
    for (const version of this.#all()) {
      if (version.record.versionId === NULL_VERSION) return version
    }
    return undefined
  }

  *#all(limit?: number): Generator<PlacedVersion> {
    const range = { start: this.#prefix, end: behind(this.#prefix), ...(limit ? { limit } : {}) }
    for (const { key, value } of this.index.versions.getRange(range)) {
      yield { place: placeIn(key), record: value }
    }
  }
}
