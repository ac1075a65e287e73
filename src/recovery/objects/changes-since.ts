import type { Buckets, ListedVersion } from '../../aws/buckets.ts'
import { compareKeys } from '../../core/object-key-order.ts'

/** A part of a bucket: what keys begin with, none the beginning of another. `['']` is all of it. */
export interface BucketPart {
  readonly bucket: string
  readonly prefixes: readonly string[]
}

/** One key of a bucket: what was in front at a moment, and what is in front now. */
export interface KeyChange {
  readonly key: string
  /** Undefined when nothing was there, or a delete marker. */
  readonly was: ListedVersion | undefined
  readonly is: ListedVersion | undefined
  /** The newest entry, also where that is a delete marker. */
  readonly newest: ListedVersion
}

/** Every version of a part of a bucket, by key and newest first under each key. */
export async function* versionsIn(
  buckets: Buckets,
  { bucket, prefixes }: BucketPart,
): AsyncGenerator<ListedVersion> {
  for (const prefix of prefixes.toSorted(compareKeys)) yield* buckets.listVersions(bucket, prefix)
}

/** One key of a bucket at several moments. */
export interface KeyHistory {
  readonly key: string
  /** What was in front at each moment, also a delete marker; undefined when nothing was there. */
  readonly at: readonly (ListedVersion | undefined)[]
  /** The newest object that was there at each moment, in front or behind delete markers. */
  readonly objectAt: readonly (ListedVersion | undefined)[]
  readonly newest: ListedVersion
}

/**
 * What a bucket was at several moments, key by key, in the order of the listing.
 *
 * @param versions  all versions, those of a key together and newest first, as S3 lists them
 */
export async function* keysAt(
  versions: AsyncIterable<ListedVersion>,
  moments: readonly Date[],
): AsyncGenerator<KeyHistory> {
  let key: { key: string; at: Fronts; objectAt: Fronts; newest: ListedVersion } | undefined
  const nothing = (): Fronts => moments.map(() => undefined)
  for await (const version of versions) {
    if (version.key !== key?.key) {
      if (key) yield key
      key = { key: version.key, at: nothing(), objectAt: nothing(), newest: version }
    }
    for (const [i, moment] of moments.entries()) {
      if (version.modifiedAt > moment) continue
      key.at[i] ??= version
      key.objectAt[i] ??= objectOf(version)
    }
  }
  if (key) yield key
}

type Fronts = (ListedVersion | undefined)[]

/** Compares a bucket with what it was at a moment, as `keysAt` does. */
export async function* changesSince(
  versions: AsyncIterable<ListedVersion>,
  at: Date,
): AsyncGenerator<KeyChange> {
  for await (const { key, at: states, newest } of keysAt(versions, [at])) {
    yield { key, was: objectOf(states[0]), is: objectOf(newest), newest }
  }
}

/** Whether what is in front now has the bytes of what was there. */
export function hasSameBytes({ was, is }: KeyChange): boolean {
  if (!was || !is) return was === is
  return was.etag === is.etag && was.sizeBytes === is.sizeBytes
}

/** Undefined for a delete marker. */
export function objectOf(version: ListedVersion | undefined): ListedVersion | undefined {
  return version?.isDeleteMarker ? undefined : version
}
