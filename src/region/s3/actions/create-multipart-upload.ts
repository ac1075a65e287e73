import type { CreateMultipartUploadCommandInput } from '../../protocol/models/s3.ts'
import { abortMembers } from '../lifecycle/members.ts'
import { checksumPlan } from '../multipart.ts'
import { attributesOf, encryptionMembers } from '../object-attributes.ts'
import { lockOf } from '../object-lock.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { tagsOfHeader } from '../tags.ts'

/** CreateMultipartUpload. Source: S3 API Reference, CreateMultipartUpload. */
export async function createMultipartUpload(
  s3: S3,
  input: CreateMultipartUploadCommandInput,
  request: S3Request,
) {
  const key = input.Key ?? ''
  const bucket = s3.bucket(request, 'PutObject', { bucket: input.Bucket, key })
  const attributes = attributesOf(input, request.headers)
  const plan = checksumPlan(input)
  const upload = await bucket.uploads.begin(key, {
    attributes: { ...attributes, checksumPlan: plan },
    tags: tagsOfHeader(input.Tagging),
    ...lockOf(bucket, input, s3.now()),
    encrypt: true,
  })
  return {
    Bucket: input.Bucket,
    Key: key,
    UploadId: upload.uploadId,
    ...abortMembers(s3, bucket, upload),
    ...encryptionMembers(attributes),
    ...(plan.isChosen ? { ChecksumAlgorithm: plan.algorithm, ChecksumType: plan.type } : {}),
  }
}
