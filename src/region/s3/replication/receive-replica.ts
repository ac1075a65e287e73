import type { Bucket } from '../../../objectstore/bucket.ts'
import { AuthFault } from '../../protocol/auth-fault.ts'
import type { StreamReply } from '../../protocol/stream-service.ts'
import type { Address } from '../address.ts'
import { S3Fault } from '../faults.ts'
import { lockOf, OBJECT_LOCK } from '../object-lock.ts'
import { commonHeaders } from '../refusal.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { noSuchVersion } from '../versions.ts'
import { type FailureReason, REASON_HEADER } from './failure-reason.ts'
import { type Manifest, REPLICA_HEADER, readManifest } from './manifest.ts'
import { provenBytes } from './proven-bytes.ts'

/** Who may say that something is a replica. */
export const REPLICATION_SERVICE = 's3.amazonaws.com'

/**
 * Takes a version from another bucket, with its id and time. It may be sent any number of times.
 *
 * **Order.** A replica takes the place among the versions of its key that its own id has: that of the moment at which it was
 * written at its source. When the destination was written to in between, as after a failover, what the old region still had to
 * send comes behind that: it can be read by its id, and old content never becomes the latest by arriving late. The moments
 * are those of the two regions' clocks; a version that is written in a bucket always comes in front of all that is there.
 *
 * @throws S3Fault `AccessDenied` for everybody but the replication service; `NoSuchBucket`, `NoSuchVersion`, `InvalidRequest`,
 *   `BadDigest`
 */
export async function receiveReplica(
  s3: S3,
  { bucket: bucketName, key }: Address,
  request: S3Request,
  requestId: string,
): Promise<StreamReply> {
  if (request.caller.session?.service !== REPLICATION_SERVICE) {
    throw new S3Fault('AccessDenied', 'Access Denied')
  }
  const pieces = request.body[Symbol.asyncIterator]()
  try {
    await receive(s3, { bucket: bucketName, key: key ?? '' }, request, pieces)
  } finally {
    // What is refused is not read to its end by us, but by who answers.
    await pieces.return?.()
  }
  return { status: 200, headers: { ...commonHeaders(requestId), 'content-length': '0' }, body: '' }
}

async function receive(
  s3: S3,
  at: { bucket: string | undefined; key: string },
  request: S3Request,
  pieces: AsyncIterator<Buffer>,
): Promise<void> {
  const header = request.headers.get(REPLICA_HEADER) ?? ''
  const { manifest, rest } = await readManifest(header, pieces)
  const bucket = permitted(s3, request, manifest, at)
  if (bucket.versioning !== 'enabled') {
    throw refused('InvalidRequest', 'The bucket is not versioned.', 'DstBucketUnversioned')
  }
  const isLocked = manifest.retention !== undefined || manifest.hasLegalHold
  if (isLocked && bucket.setting(OBJECT_LOCK) === undefined) {
    throw refused(
      'InvalidRequest',
      'The bucket has no object lock.',
      'DstBucketObjectLockConfigMissing',
    )
  }
  await store(s3, bucket, at.key, manifest, rest)
}

async function store(
  s3: S3,
  bucket: Bucket,
  key: string,
  manifest: Manifest,
  bytes: AsyncIterable<Buffer>,
): Promise<void> {
  const { versionId, tags, hasLegalHold, etag } = manifest
  const modifiedAt = new Date(manifest.modifiedAtMs)
  const { mode, untilMs } = manifest.retention ?? {}
  const retention = mode && untilMs !== undefined ? { mode, until: new Date(untilMs) } : undefined
  if (manifest.kind === 'change') {
    if (!bucket.find(key, versionId)) throw noSuchVersion(key, versionId)
    const lock = bucket.setting(OBJECT_LOCK) === undefined ? {} : { retention, hasLegalHold }
    await bucket.update(key, versionId, { tags, ...lock, bypassGovernance: true })
    return
  }
  const attributes = { ...manifest.attributes, replication: { status: 'REPLICA' } }
  if (manifest.kind === 'delete-marker') {
    await bucket.delete(key, { attributes, replicaOf: { versionId, modifiedAt } })
    return
  }
  await bucket.put(key, provenBytes(bytes, manifest), {
    attributes,
    tags,
    ...(retention ? { retention } : lockOf(bucket, {}, s3.store.lockTime())),
    hasLegalHold,
    replicaOf: { versionId, modifiedAt, etag, parts: manifest.parts },
    encrypt: true,
  })
}

/** @throws S3Fault `AccessDenied`, `NoSuchBucket`, with the reason */
function permitted(
  s3: S3,
  request: S3Request,
  { kind, tags }: Manifest,
  at: { bucket: string | undefined; key: string },
): Bucket {
  const hasTags = kind === 'change' || Object.keys(tags).length > 0
  const asked: (readonly [string, FailureReason])[] =
    kind === 'delete-marker'
      ? [['ReplicateDelete', 'DstDelObjNotPermitted']]
      : [['ReplicateObject', 'DstPutObjNotPermitted']]
  if (hasTags && kind !== 'delete-marker')
    asked.push(['ReplicateTags', 'DstPutTaggingNotPermitted'])
  const buckets = asked.map(([action, reason]) => {
    try {
      return s3.bucket(request, action, at)
    } catch (error) {
      if (error instanceof AuthFault) throw refused('AccessDenied', error.message, reason)
      if (error instanceof S3Fault && error.shape === 'NoSuchBucket') {
        throw refused('NoSuchBucket', error.message, 'DstBucketNotFound')
      }
      throw error
    }
  })
  return buckets[0]!
}

function refused(
  name: 'AccessDenied' | 'InvalidRequest' | 'NoSuchBucket',
  message: string,
  reason: FailureReason,
): S3Fault {
  return new S3Fault(name, message, { headers: { [REASON_HEADER]: reason } })
}
