import { LifeboatError } from '../../../core/errors.ts'
import type { Bucket } from '../../../objectstore/bucket.ts'
import type { ListedVersions } from '../../../objectstore/bucket-listing.ts'
import { isLocked } from '../../../objectstore/object-lock.ts'
import type { ObjectVersion } from '../../../objectstore/object-version.ts'
import { replicationOf } from '../replication/state.ts'
import type { S3 } from '../s3.ts'
import { type Expired, KeyHistory } from './key-history.ts'
import { LifecycleRules } from './rules.ts'

/** How much is read, and removed and synced together, without a pause; bounds how long requests wait. */
const PAGE = 256
/** After so many pages it is recorded how far the run has come. */
const PAGES_PER_RECORD = 40

/** A run in one bucket. */
export interface Scan {
  readonly s3: S3
  readonly bucket: Bucket
  /** Whether it is still wanted. */
  readonly goesOn: () => boolean
  readonly rest: (ms: number) => Promise<void>
}

/**
 * Removes the versions that have expired, key by key.
 *
 * @param afterKey  where a run before this one has ended
 * @param record    is told now and then up to which key all is done
 */
export async function expireVersions(
  scan: Scan,
  afterKey: string | undefined,
  record: (afterKey: string) => Promise<void>,
): Promise<void> {
  const { s3, bucket } = scan
  let history: KeyHistory | undefined
  let endedKey: string | undefined
  let page: ListedVersions | undefined = bucket.listVersions({
    ...(afterKey === undefined ? {} : { afterKey }),
    limit: PAGE,
  })
  for (let pages = 1; page && scan.goesOn(); pages += 1) {
    const startMs = s3.o.clock.monotonicMs()
    const rules = LifecycleRules.of(bucket, s3.o.lifecycleDayMs)
    if (!rules) return
    // Read before anything is removed: its place may be that of a version which is.
    const next: ListedVersions | undefined = pageAfter(bucket, page)
    const expired: (Expired | undefined)[] = []
    const about = { now: s3.now(), isHeld: heldIn(scan) }
    for (const version of page.versions) {
      if (history?.key !== version.key) {
        expired.push(history?.end())
        endedKey = history?.key ?? endedKey
        history = new KeyHistory(version.key, rules, about)
      }
      expired.push(history.next(version))
    }
    if (!next) expired.push(history?.end())
    await removeAll(
      scan,
      rules,
      expired.filter((item) => item !== undefined),
    )
    if (endedKey !== undefined && pages % PAGES_PER_RECORD === 0) await record(endedKey)
    page = next
    await scan.rest(s3.o.clock.monotonicMs() - startMs)
  }
}

/** Aborts the uploads that were begun too long ago. */
export async function expireUploads(scan: Scan): Promise<void> {
  const { s3, bucket } = scan
  let after: { afterKey?: string; afterUploadId?: string } = {}
  while (scan.goesOn()) {
    const { uploads, isTruncated } = bucket.uploads.list({ ...after, limit: PAGE })
    const rules = LifecycleRules.of(bucket, s3.o.lifecycleDayMs)
    for (const upload of uploads) {
      const due = rules?.abort(upload)
      if (due && due.at <= s3.now()) await unlessGone(bucket.uploads.abort(upload.uploadId))
    }
    const last = uploads.at(-1)
    if (!isTruncated || !last) return
    after = { afterKey: last.key, afterUploadId: last.uploadId }
    await scan.rest(1)
  }
}

function pageAfter(bucket: Bucket, page: ListedVersions): ListedVersions | undefined {
  const { isTruncated, nextKey: afterKey, nextVersionId: afterVersionId } = page
  if (!isTruncated || afterKey === undefined) return undefined
  return bucket.listVersions({
    afterKey,
    ...(afterVersionId === undefined ? {} : { afterVersionId }),
    limit: PAGE,
  })
}

/** A marker is alone only after the versions behind it are gone. */
const ORDER: readonly Expired['kind'][] = ['noncurrent', 'marker', 'current']

async function removeAll(scan: Scan, rules: LifecycleRules, expired: Expired[]): Promise<void> {
  for (const kind of ORDER) {
    if (!scan.goesOn()) return
    const items = expired.filter((item) => item.kind === kind)
    await Promise.all(items.map((item) => removeOne(scan, rules, item)))
  }
}

/** One change, which does nothing when the version is no longer what it was. */
async function removeOne(
  { s3, bucket, ...scan }: Scan,
  rules: LifecycleRules,
  { version: { key, versionId }, kind }: Expired,
): Promise<void> {
  const isHeld = heldIn({ s3, bucket, ...scan })
  const isStill = (found: ObjectVersion, isAlone: boolean) => {
    if (isHeld(found, kind)) return false
    if (kind === 'noncurrent') return !found.isLatest
    if (kind === 'marker') return isAlone && found.isDeleteMarker
    const due = found.isDeleteMarker ? undefined : rules.expiry(found)
    return due !== undefined && due.at <= s3.now()
  }
  await unlessGone(
    bucket.delete(key, {
      ...(kind === 'current' ? {} : { versionId }),
      onlyIf: (found, { isAlone }) => isStill(found, isAlone),
    }),
  )
}

/**
 * What must stay although it has expired: a locked version that would be gone for good, and what is not replicated yet or could not
 * be.
 */
function heldIn({ s3, bucket }: Scan) {
  const isReplicating = bucket.setting('replication') !== undefined
  return (version: ObjectVersion, kind: Expired['kind']): boolean => {
    const status = isReplicating ? replicationOf(version)?.status : undefined
    if (status === 'PENDING' || status === 'FAILED') return true
    const isForGood = kind !== 'current' || bucket.versioning === 'off'
    return isForGood && isLocked(version, s3.store.lockTime())
  }
}

/** Somebody else may have removed it meanwhile, or locked it. */
async function unlessGone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal
  } catch (error) {
    const isExpected =
      error instanceof LifeboatError &&
      ['ObjectNotFound', 'ObjectLocked', 'UploadNotFound'].includes(error.code)
    if (!isExpected) throw error
  }
}
