import { concurrently } from '../core/concurrently.ts'
import { compareKeys } from '../core/object-key-order.ts'
import type { VersionPage } from './version-page.ts'

/** A page that holds fewer of the keys than this costs more than to look each of them up. */
const WORTH = 30

/** A part of a listing: what comes after a key, or what begins with a prefix. */
export type Fetch = (part: {
  readonly prefix?: string
  readonly after?: string
  readonly most?: number
}) => Promise<VersionPage>

/**
 * The entity tag of what is in front of each key; keys that have no object are left out.
 *
 * Keys that lie close together come by the page, all others by a request each.
 */
export async function frontEtags(
  keys: Iterable<string>,
  fetch: Fetch,
): Promise<Map<string, string>> {
  const wanted = [...new Set(keys)].sort(compareKeys)
  const found = new Map<string, string>()
  const note = ({ versions }: VersionPage) => {
    for (const { key, etag, isLatest, isDeleteMarker } of versions) {
      if (isLatest && !isDeleteMarker) found.set(key, etag)
    }
  }
  let next = 0
  while (wanted.length - next >= WORTH) {
    const page = await fetch({ after: shortlyBefore(wanted[next]!) })
    note(page)
    const seen = next
    const reached = page.next?.KeyMarker
    while (
      next < wanted.length &&
      (reached === undefined || compareKeys(wanted[next]!, reached) <= 0)
    ) {
      next += 1
    }
    if (next - seen < WORTH) break
  }
  // Of all keys that begin as it does, a key itself comes first, and its newest version before the others.
  await concurrently(wanted.slice(next), async (key) => note(await fetch({ prefix: key, most: 1 })))
  return new Map(wanted.flatMap((key) => (found.has(key) ? [[key, found.get(key)!]] : [])))
}

/** A listing begins behind the key that it is given. */
function shortlyBefore(key: string): string {
  return [...key].slice(0, -1).join('')
}
