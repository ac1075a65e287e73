import type { Buckets, ListedVersion } from '../../aws/buckets.ts'
import { compareKeys } from '../../core/object-key-order.ts'
import type { Bucket } from '../workload.ts'
import { concurrently } from './concurrently.ts'

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
  /** Objects that only the bucket at home has: they were not shipped before the failover. They stay. */
  readonly onlyHome: readonly { readonly key: string; readonly versionId: string }[]
}

/**
 * Makes what is in front at home what is in front away: copies on top of what differs, delete markers on what was deleted. It
 * destroys no version, and can be repeated: a later pass has only the later writes to do.
 */
export async function bringHome(
  { away, home, prefixes, isOurs }: WayHome,
  o: { signal: AbortSignal; onProgress: (compared: number) => void },
): Promise<BroughtHome> {
  const onlyHome: { key: string; versionId: string }[] = []
  const count = { compared: 0, copied: 0, hidden: 0 }
  for (const prefix of prefixes) {
    const pairs = pairsOf(
      frontOf(away.buckets.listVersions(away.bucket, prefix)),
      frontOf(home.buckets.listVersions(home.bucket, prefix)),
    )
    await concurrently(
      pairs,
      async ({ there, here }) => {
        if (!isOurs((there ?? here)!.key)) return
        count.compared += 1
        if (count.compared % 1000 === 0) o.onProgress(count.compared)
        if (!there) {
          if (!here!.isDeleteMarker) onlyHome.push({ key: here!.key, versionId: here!.versionId })
          return
        }
        if (there.isDeleteMarker) {
          if (!here || here.isDeleteMarker) return
          await home.buckets.hide(home.bucket, there.key)
          count.hidden += 1
          return
        }
        if (here && !here.isDeleteMarker && here.etag === there.etag) return
        await home.buckets.carryHere(home.bucket, there, away)
        count.copied += 1
      },
      { signal: o.signal },
    )
  }
  return { ...count, onlyHome }
}

/** What is in front of each key. */
async function* frontOf(versions: AsyncIterable<ListedVersion>): AsyncGenerator<ListedVersion> {
  for await (const version of versions) if (version.isLatest) yield version
}

interface Pair {
  readonly there: ListedVersion | undefined
  readonly here: ListedVersion | undefined
}

/** Two listings side by side, in the order of keys. */
async function* pairsOf(
  there: AsyncGenerator<ListedVersion>,
  here: AsyncGenerator<ListedVersion>,
): AsyncGenerator<Pair> {
  let [a, b] = await Promise.all([there.next(), here.next()])
  while (!a.done || !b.done) {
    const order = a.done ? 1 : b.done ? -1 : compareKeys(a.value.key, b.value.key)
    yield { there: order <= 0 ? a.value : undefined, here: order >= 0 ? b.value : undefined }
    if (order <= 0) a = await there.next()
    if (order >= 0) b = await here.next()
  }
}
