import type {
  GetBucketAclCommandInput,
  PutBucketAclCommandInput,
} from '../../protocol/models/s3.ts'
import { aclDocument, BUCKET_ACL, type Grant, hasNoAcls } from '../acl.ts'
import { checkTakesAcl, grantsOf } from '../acl-input.ts'
import { S3Fault } from '../faults.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'

/** GetBucketAcl; where ACLs are disabled, that of the owner, who may all. Source: S3 API Reference, GetBucketAcl. */
export async function getBucketAcl(s3: S3, input: GetBucketAclCommandInput, request: S3Request) {
  const bucket = s3.bucket(request, 'GetBucketAcl', { bucket: input.Bucket })
  const grants = hasNoAcls(bucket) ? undefined : bucket.setting<readonly Grant[]>(BUCKET_ACL)
  return aclDocument(s3.owner(), grants)
}

/**
 * PutBucketAcl: in place of the one that there is.
 *
 * Source: S3 API Reference, PutBucketAcl.
 */
export async function putBucketAcl(s3: S3, input: PutBucketAclCommandInput, request: S3Request) {
  const bucket = s3.bucket(request, 'PutBucketAcl', { bucket: input.Bucket })
  const grants = grantsOf(input, { ownerId: s3.owner().ID, kind: 'bucket' })
  if (!grants) {
    throw new S3Fault('MissingSecurityHeader', 'Your request was missing a required header', {
      elements: { MissingHeaderName: 'x-amz-acl' },
    })
  }
  checkTakesAcl(bucket, input, grants)
  await bucket.setSetting(BUCKET_ACL, grants)
  return {}
}
