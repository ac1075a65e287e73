import type {
  GetObjectAclCommandInput,
  PutObjectAclCommandInput,
} from '../../protocol/models/s3.ts'
import { aclDocument, hasNoAcls } from '../acl.ts'
import { checkTakesAcl, grantsOf } from '../acl-input.ts'
import { S3Fault } from '../faults.ts'
import { attributesOfVersion } from '../object-attributes.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { readableVersion } from '../versions.ts'

/** GetObjectAcl; where ACLs are disabled, that of the owner, who may all. Source: S3 API Reference, GetObjectAcl. */
export async function getObjectAcl(s3: S3, input: GetObjectAclCommandInput, request: S3Request) {
  const { bucket, version } = found(s3, input, request, 'GetObject')
  const grants = hasNoAcls(bucket) ? undefined : attributesOfVersion(version).acl
  return aclDocument(s3.owner(), grants)
}

/** PutObjectAcl: in place of the one that the version has. Source: S3 API Reference, PutObjectAcl. */
export async function putObjectAcl(s3: S3, input: PutObjectAclCommandInput, request: S3Request) {
  const { bucket, version } = found(s3, input, request, 'PutObject')
  const acl = grantsOf(input, { ownerId: s3.owner().ID, kind: 'object' })
  if (!acl) {
    throw new S3Fault('MissingSecurityHeader', 'Your request was missing a required header', {
      elements: { MissingHeaderName: 'x-amz-acl' },
    })
  }
  checkTakesAcl(bucket, input, acl)
  const { key, versionId } = version
  await bucket.update(key, versionId, { attributesOf: (before) => ({ ...before, acl }) })
  return {}
}

function found(
  s3: S3,
  { Bucket, Key: key = '', VersionId: versionId }: GetObjectAclCommandInput,
  request: S3Request,
  verb: string,
) {
  const action = `${verb}${versionId === undefined ? '' : 'Version'}Acl`
  const bucket = s3.bucket(request, action, { bucket: Bucket, key, versionId })
  return { bucket, version: readableVersion(s3, request, { bucket, key, versionId }) }
}
