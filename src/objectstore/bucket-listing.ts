import type { BucketState } from './bucket-state.ts'
import { type ObjectVersion, type VersionRecord, versionOf } from './object-version.ts'
import { page, pageByTurns } from './page.ts'
import {
  behind,
  keyPrefix,
  objectKeyIn,
  placeOfVersionId,
  textPrefix,
  versionKey,
} from './version-key.ts'
import { Versions } from './versions.ts'

export interface ListedObjects {
  readonly objects: ObjectVersion[]
  readonly commonPrefixes: string[]
  readonly isTruncated: boolean
  /** The last key or common prefix: the next page comes after it. */
  readonly next?: string
}

export interface ListedVersions {
  readonly versions: ObjectVersion[]
  readonly commonPrefixes: string[]
  readonly isTruncated: boolean
  readonly nextKey?: string
  /** Absent when the page ended with a common prefix. */
  readonly nextVersionId?: string
}

/**
 * Lists in the order of the keys' UTF-8 bytes. What a page leaves out is not read: neither what stands under a common prefix
 * nor older versions, however many there are.
 */
export class BucketListing {
  constructor(private readonly state: BucketState) {}

  /** The newest version of each key, unless it is a delete marker. However many of those there are, nobody waits for it. */
  async list(o: {
    prefix?: string
    delimiter?: string
    after?: string
    limit: number
  }): Promise<ListedObjects> {
    const { after, ...rest } = o
    const found = await pageByTurns<VersionRecord>({
      ...rest,
      ...this.#rows(o.prefix),
      after: after === undefined ? undefined : { last: after, place: this.#behindKey(after) },
      onlyFirst: true,
      isHidden: ({ isDeleteMarker }) => isDeleteMarker === true,
    })
    const objects = found.rows.map(({ key, value }) => versionOf(key, value, true))
    const { commonPrefixes, isTruncated, last } = found
    return { objects, commonPrefixes, isTruncated, ...(last === undefined ? {} : { next: last }) }
  }

  /** All versions, newest first under each key. */
  listVersions(o: {
    prefix?: string
    delimiter?: string
    afterKey?: string
    afterVersionId?: string
    limit: number
  }): ListedVersions {
    const { afterKey, afterVersionId, ...rest } = o
    const marker =
      afterKey === undefined || afterVersionId === undefined
        ? undefined
        : this.#behindVersion(afterKey, afterVersionId)
    const place = marker ?? (afterKey === undefined ? undefined : this.#behindKey(afterKey))
    const found = page<VersionRecord>({
      ...rest,
      ...this.#rows(o.prefix),
      after: place && afterKey !== undefined ? { last: afterKey, place } : undefined,
    })
    const versions = found.rows.map(({ key, value, isFirst }) => {
      return versionOf(key, value, isFirst && !(marker && key === afterKey))
    })
    const { commonPrefixes, isTruncated, last } = found
    const newest = versions.at(-1)
    const nextVersionId = newest?.key === last ? newest?.versionId : undefined
    return {
      versions,
      commonPrefixes,
      isTruncated,
      ...(last === undefined ? {} : { nextKey: last }),
      ...(nextVersionId === undefined ? {} : { nextVersionId }),
    }
  }

  #rows(prefix = '') {
    const { index, number: bucket } = this.state
    const end = behind(textPrefix(bucket, prefix))
    return {
      bucket,
      keyOf: (place: Buffer) => objectKeyIn(place),
      rowsFrom: (start: Buffer) => index.versions.getRange({ start, end }),
    }
  }

  #behindKey(key: string): Buffer {
    return behind(keyPrefix(this.state.number, key))
  }

  #behindVersion(key: string, versionId: string): Buffer | undefined {
    const { index, number } = this.state
    const place =
      new Versions(index, number, key).find(versionId)?.place ?? placeOfVersionId(versionId)
    return place && Buffer.concat([versionKey(keyPrefix(number, key), place), Buffer.from([0])])
  }
}
