import type { Buckets, ListedVersion } from '../../aws/buckets.ts'
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
  /** Versions that only the bucket at home has: they were not shipped before the failover. They stay, some under what came home. */
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
      objectsOf(away.buckets.listVersions(away.bucket, prefix)),
      objectsOf(home.buckets.listVersions(home.bucket, prefix)),
    )
    await concurrently(
      pairs,
      async ({ key, there, here }) => {
        if (!isOurs(key)) return
        count.compared += 1
        if (count.compared % 1000 === 0) o.onProgress(count.compared)
        onlyHome.push(...unshipped(here, there).map(({ versionId }) => ({ key, versionId })))
        const wanted = frontOf(there)
        const found = frontOf(here)
        if (!wanted) return
        if (wanted.isDeleteMarker) {
          if (!found || found.isDeleteMarker) return
          await home.buckets.hide(home.bucket, key)
          count.hidden += 1
          return
        }
        if (found && !found.isDeleteMarker && found.etag === wanted.etag) return
        await home.buckets.putOnTop(home.bucket, wanted, away)
        count.copied += 1
      },
      { signal: o.signal },
    )
  }
  return { ...count, onlyHome }
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
