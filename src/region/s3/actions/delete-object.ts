import type { Bucket } from '../../../objectstore/bucket.ts'
import type { DeleteObjectCommandInput } from '../../protocol/models/s3.ts'
import { unquoted } from '../conditions.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { findVersion } from '../versions.ts'

/**
 * DeleteObject: a delete marker, or the end of one version.
 *
 * Source: S3 API Reference, DeleteObject.
 */
export async function deleteObject(s3: S3, input: DeleteObjectCommandInput, request: S3Request) {
  const { Key: key = '', VersionId: versionId, IfMatch: ifMatch } = input
  return await deleteOne(s3, request, {
    bucketName: input.Bucket,
    key,
    versionId,
    ifMatch,
    isBypassing: input.BypassGovernanceRetention ?? false,
  })
}

/** Deletes as DeleteObject and each entry of DeleteObjects do. What is not there is deleted already. */
export async function deleteOne(
  s3: S3,
  request: S3Request,
  o: {
    bucketName: string | undefined
    key: string
    versionId: string | undefined
    ifMatch: string | undefined
    isBypassing: boolean
  },
): Promise<{ VersionId?: string; DeleteMarker?: boolean }> {
  const { key, versionId, ifMatch } = o
  const at = { bucket: o.bucketName, key, versionId }
  const bucket = s3.bucket(request, versionId ? 'DeleteObjectVersion' : 'DeleteObject', at)
  if (o.isBypassing) s3.bucket(request, 'BypassGovernanceRetention', at)
  if (versionId !== undefined && !findVersion(bucket, key, versionId)) return absent(versionId)
  const { removed, marker } = await bucket.delete(key, {
    // The end of a version is never replicated.
    ...(versionId === undefined ? { outbox: s3.replication.ofWrite(bucket) } : { versionId }),
    ...(ifMatch === undefined ? {} : { precondition: { ifMatch: unquoted(ifMatch) } }),
    bypassGovernance: o.isBypassing,
  })
  if (marker) return { ...idOf(bucket, marker.versionId), DeleteMarker: true }
  if (versionId === undefined || !removed) return {}
  return {
    ...idOf(bucket, removed.versionId),
    ...(removed.isDeleteMarker ? { DeleteMarker: true } : {}),
  }
}

function absent(versionId: string) {
  return { VersionId: versionId }
}

function idOf(bucket: Bucket, versionId: string): { VersionId?: string } {
  return bucket.versioning === 'off' ? {} : { VersionId: versionId }
}
