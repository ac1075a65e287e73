import type { Buckets } from '../../aws/buckets.ts'
import { concurrently } from '../../core/concurrently.ts'
import type { BucketPart } from './changes-since.ts'
import type { BrokenReference, Referenced } from './references.ts'

/** What was done about rows whose object was hidden. */
export interface Healed {
  /** Objects that came in front again. */
  readonly objects: number
  /** As the last look found them. */
  readonly left: Referenced
}

/**
 * Puts objects in front again that rows point at and that a delete marker hides. Safe to call again.
 *
 * @param o.look  compares all rows and objects, as they are
 */
export async function healReferences(o: {
  look: () => Promise<Referenced>
  buckets: Buckets
  part: BucketPart
  signal: AbortSignal
}): Promise<Healed> {
  const { buckets, part, signal } = o
  let objects = 0
  for (;;) {
    const left = await o.look()
    let healed = 0
    const heal = async ({ hidden }: BrokenReference) => {
      if (!hidden) return
      await buckets.putOnTop(part.bucket, hidden)
      healed += 1
    }
    await concurrently(left.broken, heal, { signal })
    objects += healed
    // More than a thousand may be broken: then another look finds the next ones.
    if (healed === 0) return { objects, left }
  }
}
