import type { ListedVersion } from '../../aws/buckets.ts'

/** One key of a bucket: what was in front at a moment, and what is in front now. */
export interface KeyChange {
  readonly key: string
  /** Undefined when nothing was there, or a delete marker. */
  readonly was: ListedVersion | undefined
  readonly is: ListedVersion | undefined
}

/**
 * Compares a bucket with what it was at a moment, key by key, in the order of the listing.
 *
 * @param versions  all versions, those of a key together and newest first, as S3 lists them
 */
export async function* changesSince(
  versions: AsyncIterable<ListedVersion>,
  at: Date,
): AsyncGenerator<KeyChange> {
  let key: string | undefined
  let is: ListedVersion | undefined
  let was: ListedVersion | undefined
  const current = () => ({ key: key!, was: objectOf(was), is: objectOf(is) })
  for await (const version of versions) {
    if (version.key !== key) {
      if (key !== undefined) yield current()
      key = version.key
      is = version
      was = undefined
    }
    if (!was && version.modifiedAt <= at) was = version
  }
  if (key !== undefined) yield current()
}

/** Whether what is in front now has the bytes of what was there. */
export function hasSameBytes({ was, is }: KeyChange): boolean {
  if (!was || !is) return was === is
  return was.etag === is.etag && was.sizeBytes === is.sizeBytes
}

function objectOf(version: ListedVersion | undefined): ListedVersion | undefined {
  return version?.isDeleteMarker ? undefined : version
}
