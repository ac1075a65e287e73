import type {
  GetBucketVersioningCommandInput,
  PutBucketVersioningCommandInput,
} from '../../protocol/models/s3.ts'
import { malformedXml } from '../../protocol/xml-reader.ts'
import { S3Fault } from '../faults.ts'
import { OBJECT_LOCK } from '../object-lock.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'

/** PutBucketVersioning. Source: S3 API Reference, PutBucketVersioning. */
export async function putBucketVersioning(
  s3: S3,
  input: PutBucketVersioningCommandInput,
  request: S3Request,
) {
  const bucket = s3.bucket(request, 'PutBucketVersioning', { bucket: input.Bucket })
  const { Status, MFADelete } = input.VersioningConfiguration ?? {}
  if (Status !== 'Enabled' && Status !== 'Suspended') {
    throw new S3Fault(
      'IllegalVersioningConfigurationException',
      'The Versioning element must be specified',
    )
  }
  if (MFADelete !== undefined && MFADelete !== 'Disabled') {
    if (MFADelete !== 'Enabled') throw malformedXml()
    throw new S3Fault('NotImplemented', 'Deletion with a second factor is not available here.')
  }
  if (Status === 'Suspended') {
    const reason =
      bucket.setting('replication') !== undefined
        ? 'A replication configuration'
        : bucket.setting(OBJECT_LOCK) !== undefined && 'An Object Lock configuration'
    if (reason) {
      throw new S3Fault(
        'InvalidBucketState',
        `${reason} is present on this bucket, so the versioning state cannot be changed.`,
      )
    }
  }
  await bucket.setVersioning(Status === 'Enabled' ? 'enabled' : 'suspended')
  await s3.directory.tell(bucket)
  return {}
}

/** GetBucketVersioning; of a bucket that never had it, it is empty. Source: S3 API Reference, GetBucketVersioning. */
export async function getBucketVersioning(
  s3: S3,
  input: GetBucketVersioningCommandInput,
  request: S3Request,
) {
  const { versioning } = s3.bucket(request, 'GetBucketVersioning', { bucket: input.Bucket })
  if (versioning === 'off') return {}
  return { Status: versioning === 'enabled' ? 'Enabled' : 'Suspended' }
}
