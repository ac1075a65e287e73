import type { Bucket } from '../../objectstore/bucket.ts'
import type { ObjectVersion } from '../../objectstore/object-version.ts'
import { placeOfVersionId } from '../../objectstore/version-key.ts'
import { S3Fault } from './faults.ts'
import type { Asker, S3 } from './s3.ts'

/**
 * The version that a request reads: the latest, or the one it names.
 *
 * Who may not list the bucket does not learn what is not there.
 *
 * @throws S3Fault `NoSuchKey`, `NoSuchVersion`, `AccessDenied`, `MethodNotAllowed` for a delete marker
 */
export function readableVersion(
  s3: S3,
  request: Asker,
  { bucket, key, versionId }: { bucket: Bucket; key: string; versionId: string | undefined },
): ObjectVersion {
  const version = findVersion(bucket, key, versionId)
  if (version && !version.isDeleteMarker) return version
  if (!version && !s3.mayAlso(request, 'ListBucket', { bucket: bucket.name })) {
    throw new S3Fault('AccessDenied', 'Access Denied')
  }
  if (!version) throw versionId === undefined ? noSuchKey(key) : noSuchVersion(key, versionId)
  const headers = { 'x-amz-delete-marker': 'true', 'x-amz-version-id': version.versionId }
  if (versionId === undefined) throw noSuchKey(key, headers)
  throw new S3Fault(
    'MethodNotAllowed',
    'The specified method is not allowed against this resource.',
    {
      elements: { Method: 'GET', ResourceType: 'DeleteMarker' },
      headers: { ...headers, allow: 'DELETE', 'last-modified': version.modifiedAt.toUTCString() },
    },
  )
}

/** @throws S3Fault `InvalidArgument` for what cannot be a version's id */
export function findVersion(
  bucket: Bucket,
  key: string,
  versionId: string | undefined,
): ObjectVersion | undefined {
  const isOurs = versionId === undefined || versionId === 'null' || placeOfVersionId(versionId)
  if (!isOurs) {
    throw new S3Fault('InvalidArgument', 'Invalid version id specified', {
      elements: { ArgumentName: 'versionId', ArgumentValue: versionId },
    })
  }
  return bucket.find(key, versionId)
}

/** The version's id as an answer tells it: not while the bucket has never been versioned. */
export function versionMembers(bucket: Bucket, version: ObjectVersion): { VersionId?: string } {
  return bucket.versioning === 'off' ? {} : { VersionId: version.versionId }
}

export function noSuchKey(key: string, headers: Record<string, string> = {}): S3Fault {
  return new S3Fault('NoSuchKey', 'The specified key does not exist.', {
    elements: { Key: key },
    headers,
  })
}

export function noSuchVersion(key: string, versionId: string): S3Fault {
  return new S3Fault('NoSuchVersion', 'The specified version does not exist.', {
    elements: { Key: key, VersionId: versionId },
  })
}

export function quoted(etag: string): string {
  return `"${etag}"`
}
