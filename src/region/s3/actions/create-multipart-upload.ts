import type { CreateMultipartUploadCommandInput } from '../../protocol/models/s3.ts'
import { customerKeyMembers } from '../customer-key.ts'
import { encryptionMembers, encryptionOf } from '../encryption.ts'
import { abortMembers } from '../lifecycle/members.ts'
import { checksumPlan } from '../multipart.ts'
import { attributesOf } from '../object-attributes.ts'
import { lockOf } from '../object-lock.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { tagsOfHeader } from '../tags.ts'
import { writableBucket } from '../writable-bucket.ts'

/** CreateMultipartUpload. Source: S3 API Reference, CreateMultipartUpload. */
export async function createMultipartUpload(
  s3: S3,
  input: CreateMultipartUploadCommandInput,
  request: S3Request,
) {
  const key = input.Key ?? ''
  const tags = tagsOfHeader(input.Tagging)
  const { bucket, acl } = writableBucket(s3, request, input, tags)
  const { stored, customerKey } = encryptionOf(bucket, input, s3.o.random)
  const attributes = { ...attributesOf(input, request.headers), ...stored, ...(acl ? { acl } : {}) }
  const plan = checksumPlan(input)
  const upload = await bucket.uploads.begin(key, {
    attributes: { ...attributes, checksumPlan: plan },
    tags,
    ...lockOf(bucket, input, s3.store.lockTime()),
    encrypt: true,
  })
  return {
    Bucket: input.Bucket,
    Key: key,
    UploadId: upload.uploadId,
    ...abortMembers(s3, bucket, upload),
    ...encryptionMembers(attributes),
    ...customerKeyMembers(customerKey),
    ...(plan.isChosen ? { ChecksumAlgorithm: plan.algorithm, ChecksumType: plan.type } : {}),
  }
}
