import { isDeepStrictEqual } from 'node:util'
import type { Buckets } from '../../aws/buckets.ts'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { changesSince, hasSameBytes, type KeyChange } from './changes-since.ts'

/** What brings one key back: an older version on top, or a delete marker over what was not there. */
export interface RestoreAction {
  readonly kind: 'copy' | 'hide'
  readonly change: KeyChange
}

export interface RestorePlan {
  readonly actions: readonly RestoreAction[]
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

export interface BucketRestore {
  readonly buckets: Buckets
  readonly bucket: string
  readonly prefix?: string | undefined
  readonly to: Date
  readonly clock: Clock
  readonly signal?: AbortSignal | undefined
}

/** How many objects are on their way at the same time. */
const CONCURRENCY = 16
/** So many keys are named; the others are counted. */
const NAMED_KEYS = 20

/**
 * What would bring a bucket back to a moment. It only ever adds versions: nothing that is there is destroyed, so that a
 * restore can itself be undone by another.
 *
 * @throws LifeboatError `CallRefused` when the bucket keeps no versions, `InvalidTime` for a moment to come
 */
export async function planRestore(o: BucketRestore): Promise<RestorePlan> {
  const { buckets, bucket, to } = o
  if (to > o.clock.now()) {
    throw new LifeboatError('InvalidTime', `'${to.toISOString()}' is still to come`, {
      hint: 'Give a moment that has passed.',
    })
  }
  const versioning = await buckets.getVersioning(bucket)
  if (versioning !== 'enabled') {
    throw new LifeboatError('CallRefused', `bucket '${bucket}' keeps no versions`, {
      hint: 'Enable versioning: what was overwritten before cannot be brought back.',
    })
  }
  const actions: RestoreAction[] = []
  let [unchanged, copiedBytes] = [0, 0]
  for await (const change of changesSince(buckets.listVersions(bucket, o.prefix), to)) {
    o.signal?.throwIfAborted()
    const kind = await neededFor(change, o)
    if (!kind) {
      unchanged += change.is ? 1 : 0
      continue
    }
    actions.push({ kind, change })
    copiedBytes += kind === 'copy' ? change.was!.sizeBytes : 0
  }
  return { actions, unchanged, copiedBytes }
}

/** Carries a plan out. What was done stays done when it is interrupted: a new plan then holds the rest. */
export async function restoreBucket(
  { actions }: RestorePlan,
  o: BucketRestore & { readonly onProgress?: ((done: number, of: number) => void) | undefined },
): Promise<void> {
  const { buckets, bucket } = o
  let done = 0
  const waiting = actions.values()
  const work = async () => {
    for (const { kind, change } of waiting) {
      o.signal?.throwIfAborted()
      if (kind === 'copy') await buckets.putOnTop(bucket, change.was!)
      else await buckets.hide(bucket, change.key)
      done += 1
      o.onProgress?.(done, actions.length)
    }
  }
  const results = await Promise.allSettled(Array.from({ length: CONCURRENCY }, work))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/** Lists the bucket anew and compares every key with what it was: bytes by entity tag and size, and whatever was copied whole. */
export async function proveRestore(
  { actions }: RestorePlan,
  o: BucketRestore,
): Promise<RestoreProof> {
  const copied = new Set(
    actions.flatMap(({ kind, change }) => (kind === 'copy' ? [change.key] : [])),
  )
  const differing: string[] = []
  let objects = 0
  for await (const change of changesSince(o.buckets.listVersions(o.bucket, o.prefix), o.to)) {
    o.signal?.throwIfAborted()
    objects += change.is ? 1 : 0
    const isSame =
      hasSameBytes(change) && (!copied.has(change.key) || (await hasSameDescription(change, o)))
    if (!isSame) differing.push(change.key)
  }
  return { objects, differing }
}

/** @throws LifeboatError `RestoreNotVerified` naming the first keys */
export function refuseUnlessProven(
  { differing }: RestoreProof,
  { bucket, to }: BucketRestore,
): void {
  if (differing.length === 0) return
  const named = differing.slice(0, NAMED_KEYS).map((key) => `'${key}'`)
  const more = differing.length - named.length
  throw new LifeboatError(
    'RestoreNotVerified',
    `${differing.length} objects of bucket '${bucket}' are not what they were at ${to.toISOString()}: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    { hint: 'Somebody may have written to it meanwhile. Stop that, and run the restore again.' },
  )
}

async function neededFor(
  change: KeyChange,
  o: BucketRestore,
): Promise<RestoreAction['kind'] | undefined> {
  if (!change.was) return change.is ? 'hide' : undefined
  if (change.was.versionId === change.is?.versionId) return undefined
  return hasSameBytes(change) && (await hasSameDescription(change, o)) ? undefined : 'copy'
}

async function hasSameDescription(
  { key, was, is }: KeyChange,
  { buckets, bucket }: BucketRestore,
): Promise<boolean> {
  if (!was || !is || was.versionId === is.versionId) return true
  const [before, after] = await Promise.all([
    buckets.describe(bucket, key, was.versionId),
    buckets.describe(bucket, key, is.versionId),
  ])
  return isDeepStrictEqual(before, after)
}
