import type {
  GetBucketAclCommandInput,
  GetObjectAclCommandInput,
  PutBucketAclCommandInput,
  PutObjectAclCommandInput,
} from '../../protocol/models/s3.ts'
import { S3Fault } from '../faults.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { readableVersion } from '../versions.ts'

/** GetBucketAcl: the owner, who may all. Source: S3 API Reference, GetBucketAcl. */
export async function getBucketAcl(s3: S3, input: GetBucketAclCommandInput, request: S3Request) {
  s3.bucket(request, 'GetBucketAcl', { bucket: input.Bucket })
  return ownersAcl(s3)
}

/** GetObjectAcl. Source: S3 API Reference, GetObjectAcl. */
export async function getObjectAcl(s3: S3, input: GetObjectAclCommandInput, request: S3Request) {
  const { Key: key = '', VersionId: versionId } = input
  const bucket = s3.bucket(request, 'GetObjectAcl', { bucket: input.Bucket, key })
  readableVersion(s3, request, { bucket, key, versionId })
  return ownersAcl(s3)
}

/**
 * PutBucketAcl, PutObjectAcl. Unlike AWS: whatever the ownership controls are, others are given nothing; policies do that.
 *
 * Source: S3 User Guide, "Controlling ownership of objects and disabling ACLs".
 */
export async function putBucketAcl(s3: S3, input: PutBucketAclCommandInput, request: S3Request) {
  s3.bucket(request, 'PutBucketAcl', { bucket: input.Bucket })
  checkGivesNothing(s3, input)
  return {}
}

export async function putObjectAcl(s3: S3, input: PutObjectAclCommandInput, request: S3Request) {
  const { Key: key = '', VersionId: versionId } = input
  const bucket = s3.bucket(request, 'PutObjectAcl', { bucket: input.Bucket, key })
  readableVersion(s3, request, { bucket, key, versionId })
  checkGivesNothing(s3, input)
  return {}
}

function checkGivesNothing(
  s3: S3,
  input: PutBucketAclCommandInput | PutObjectAclCommandInput,
): void {
  const { ACL = 'private', AccessControlPolicy } = input
  const headers = [input.GrantFullControl, input.GrantRead, input.GrantReadACP, input.GrantWrite]
  const grants = AccessControlPolicy?.Grants ?? []
  const isOwners = grants.every(({ Grantee }) => Grantee?.ID === s3.owner().ID)
  const isPrivate = ACL === 'private' || ACL === 'bucket-owner-full-control'
  if (isOwners && isPrivate && headers.every((grant) => grant === undefined)) return
  throw new S3Fault('AccessControlListNotSupported', 'The bucket does not allow ACLs')
}

function ownersAcl(s3: S3) {
  const owner = s3.owner()
  const Grantee = { Type: 'CanonicalUser', ...owner }
  return { Owner: owner, Grants: [{ Grantee, Permission: 'FULL_CONTROL' }] }
}
