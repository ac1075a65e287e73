import type { ListedVersion } from '../../aws/buckets.ts'
import { concurrently } from '../../core/concurrently.ts'
import { type KeyHistory, keysAt, objectOf, versionsIn } from './changes-since.ts'
import type { BucketRestore } from './restore-bucket.ts'

/**
 * Takes back what a recovery has put in front since `before`, also one that was not ended: what was in front then comes in
 * front again. What others have written meanwhile is left alone. Safe to call again.
 *
 * @param o.to  the moment to which the bucket was being restored
 */
export async function undoRestore(o: BucketRestore & { readonly before: Date }): Promise<void> {
  const undo = async (history: KeyHistory) => {
    const { key, at, newest } = history
    if (newest.modifiedAt <= o.before || !isOurs(history)) return
    const wasThere = objectOf(at[1])
    if (wasThere && isSame(wasThere, newest)) return
    if (wasThere) await o.buckets.putOnTop(o.bucket, wasThere)
    else if (!newest.isDeleteMarker) await o.buckets.hide(o.bucket, key)
  }
  const keys = keysAt(versionsIn(o.buckets, o), [o.to, o.before])
  await concurrently(keys, undo, { signal: o.signal })
}

/** Whether a recovery may have put it there: only what had been there, or a delete marker where there was nothing to restore. */
function isOurs({ at: [restored], objectAt, newest }: KeyHistory): boolean {
  if (newest.isDeleteMarker) return objectOf(restored) === undefined
  return objectAt.some((object) => object !== undefined && isSame(object, newest))
}

function isSame(a: ListedVersion, b: ListedVersion): boolean {
  return a.etag === b.etag && a.sizeBytes === b.sizeBytes && !b.isDeleteMarker
}
