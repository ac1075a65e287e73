import { isDeepStrictEqual } from 'node:util'
import type { Buckets } from '../../aws/buckets.ts'
import type { Clock } from '../../core/clock.ts'
import { concurrently } from '../../core/concurrently.ts'
import { LifeboatError } from '../../core/errors.ts'
import {
  type BucketPart,
  changesSince,
  hasSameBytes,
  type KeyChange,
  versionsIn,
} from './changes-since.ts'

/** What brings a bucket back: older versions on top, and delete markers over what was not there. */
export type RestorePlan = {
  readonly copies: number
  readonly deleteMarkers: number
  readonly unchanged: number
  /** What is copied within S3. */
  readonly copiedBytes: number
}

/** What a look at the bucket after its restore has shown. */
export interface RestoreProof {
  readonly objects: number
  /** Keys that are not what they were at that moment. */
  readonly differing: readonly string[]
}

export interface BucketRestore extends BucketPart {
  readonly buckets: Buckets
  readonly to: Date
  /** What others put at new keys later than this is theirs and stays; by default nothing is. */
  readonly until?: Date
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
}

type Need = 'copy' | 'hide' | 'nothing'

/** So many keys are named; the others are counted. */
const NAMED_KEYS = 20

/**
 * What would bring a bucket back to a moment. It only ever adds versions: nothing that is there is destroyed, so that a
 * restore can itself be undone by another.
 *
 * @throws LifeboatError `CallRefused` when the bucket keeps no versions, `InvalidTime` for a moment to come
 */
export async function planRestore(o: BucketRestore): Promise<RestorePlan> {
  const { bucket, to } = o
  if (to > o.clock.now()) {
    throw new LifeboatError('InvalidTime', `'${to.toISOString()}' is still to come`, {
      hint: 'Give a moment that has passed.',
    })
  }
  if ((await o.buckets.getVersioning(bucket)) !== 'enabled') {
    throw new LifeboatError('CallRefused', `bucket '${bucket}' keeps no versions`, {
      hint: 'Enable versioning: what was overwritten before cannot be brought back.',
    })
  }
  const plan = { copies: 0, deleteMarkers: 0, unchanged: 0, copiedBytes: 0 }
  await eachChange(o, async (change) => {
    const need = await needOf(change, o)
    if (need === 'hide') plan.deleteMarkers += 1
    if (need === 'nothing' && change.is) plan.unchanged += 1
    if (need !== 'copy') return
    plan.copies += 1
    plan.copiedBytes += change.was!.sizeBytes
  })
  return plan
}

/**
 * Brings a bucket back. What was done stays done when it is interrupted, and is not done again by the next run.
 *
 * @param onProgress  called with how many keys were changed, of how many
 */
export async function restoreBucket(
  { copies, deleteMarkers }: RestorePlan,
  o: BucketRestore & { readonly onProgress?: ((done: number, of: number) => void) | undefined },
): Promise<void> {
  const { buckets, bucket } = o
  const planned = copies + deleteMarkers
  let done = 0
  await eachChange(o, async (change) => {
    const need = await needOf(change, o)
    if (need === 'nothing') return
    if (need === 'copy') await buckets.putOnTop(bucket, change.was!)
    else await buckets.hide(bucket, change.key)
    done += 1
    o.onProgress?.(done, Math.max(planned, done))
  })
}

/** Lists the bucket anew and compares every key with what it was: bytes by entity tag and size, and what belongs to them. */
export async function proveRestore(o: BucketRestore): Promise<RestoreProof> {
  const differing: string[] = []
  let objects = 0
  await eachChange(o, async (change) => {
    objects += change.is ? 1 : 0
    if ((await needOf(change, o)) !== 'nothing') differing.push(change.key)
  })
  return { objects, differing }
}

/** @throws LifeboatError `RestoreNotVerified` naming the first keys */
export function refuseUnlessProven({ differing }: RestoreProof, { bucket, to }: BucketRestore) {
  if (differing.length === 0) return
  const named = differing.slice(0, NAMED_KEYS).map((key) => `'${key}'`)
  const more = differing.length - named.length
  throw new LifeboatError(
    'RestoreNotVerified',
    `${differing.length} objects of bucket '${bucket}' are not what they were at ${to.toISOString()}: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    { hint: 'Somebody may have written to it meanwhile. Stop that, and run the restore again.' },
  )
}

function eachChange(o: BucketRestore, work: (change: KeyChange) => Promise<void>): Promise<void> {
  return concurrently(changesSince(versionsIn(o.buckets, o), o.to), work, { signal: o.signal })
}

async function needOf(change: KeyChange, o: BucketRestore): Promise<Need> {
  const isOthers = o.until !== undefined && change.newest.modifiedAt > o.until
  if (!change.was) return change.is && !isOthers ? 'hide' : 'nothing'
  if (change.was.versionId === change.is?.versionId) return 'nothing'
  return hasSameBytes(change) && (await hasSameDescription(change, o)) ? 'nothing' : 'copy'
}

async function hasSameDescription(
  { key, was, is }: KeyChange,
  { buckets, bucket }: BucketRestore,
): Promise<boolean> {
  if (!was || !is) return was === is
  const [before, after] = await Promise.all([
    buckets.describe(bucket, key, was.versionId),
    buckets.describe(bucket, key, is.versionId),
  ])
  return isDeepStrictEqual(before, after)
}
