import type { Bucket } from '../../objectstore/bucket.ts'
import { requestTagContext } from './access-context.ts'
import type { Grant } from './acl.ts'
import { type AclInput, checkTakesAcl, grantsOf, saysAcl } from './acl-input.ts'
import type { S3 } from './s3.ts'
import type { S3Request } from './s3-request.ts'

/** The members of a request that makes an object. */
interface WriteInput extends AclInput {
  readonly Bucket: string | undefined
  readonly Key: string | undefined
  readonly ObjectLockMode?: string | undefined
  readonly ObjectLockLegalHoldStatus?: string | undefined
}

/**
 * The bucket that a new object goes to, when the caller may make it with all that is asked for beside its content: tags, an ACL
 * and a lock need rights of their own. Whom the bucket's ACL lets write may give the new object an ACL as well.
 *
 * @param tags  those that the object is to have
 * @throws S3Fault `NoSuchBucket`, `AccessDenied`, and what the ACL is refused with
 */
export function writableBucket(
  s3: S3,
  request: S3Request,
  input: WriteInput,
  tags: Readonly<Record<string, string>>,
): { bucket: Bucket; acl: readonly Grant[] | undefined } {
  const context = requestTagContext(tags)
  const at = { bucket: input.Bucket, key: input.Key, context }
  const bucket = s3.bucket(request, 'PutObject', at)
  if (Object.keys(tags).length > 0) s3.bucket(request, 'PutObjectTagging', at)
  if (input.ObjectLockMode !== undefined) s3.bucket(request, 'PutObjectRetention', at)
  if (input.ObjectLockLegalHoldStatus !== undefined) s3.bucket(request, 'PutObjectLegalHold', at)
  if (!saysAcl(input)) return { bucket, acl: undefined }
  s3.bucket(request, 'PutObjectAcl', { ...at, grantedWith: 'PutObject' })
  const grants = grantsOf(input, { ownerId: s3.owner().ID, kind: 'object' }) ?? []
  checkTakesAcl(bucket, input, grants)
  return { bucket, acl: grants }
}
