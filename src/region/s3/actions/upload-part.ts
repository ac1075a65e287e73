import type { UploadPartCommandInput } from '../../protocol/models/s3.ts'
import { checksumMembers } from '../checksums.ts'
import { checkPartKey, customerKeyMembers, customerKeyOf, sealing } from '../customer-key.ts'
import { encryptionMembers } from '../encryption.ts'
import { S3Fault } from '../faults.ts'
import { checkPartNumber, getUpload } from '../multipart.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { Upload } from '../upload.ts'
import { quoted } from '../versions.ts'

/** UploadPart: one part, in place of the one that had its number. Source: S3 API Reference, UploadPart. */
export async function uploadPart(s3: S3, input: UploadPartCommandInput, request: S3Request) {
  const bucket = s3.bucket(request, 'PutObject', { bucket: input.Bucket, key: input.Key })
  const number = checkPartNumber(input.PartNumber)
  const { uploadId, plan, encryption } = getUpload(bucket, input)
  const customerKey = customerKeyOf(input)
  checkPartKey(encryption, customerKey)
  const upload = new Upload(request, { kept: plan.algorithm })
  if (plan.isChosen && upload.algorithm && upload.algorithm !== plan.algorithm) {
    throw new S3Fault(
      'InvalidRequest',
      `Checksum Type mismatch occurred, expected checksum Type: ${plan.algorithm.toLowerCase()}, ` +
        `actual checksum Type: ${upload.algorithm.toLowerCase()}`,
    )
  }
  const { etag } = await bucket.uploads.putPart(uploadId, number, request.body, {
    ...upload.options(),
    ...sealing(customerKey),
  })
  const { ChecksumType, ...checksum } = checksumMembers(upload.claimed)
  return {
    ETag: quoted(etag),
    ...encryptionMembers(encryption),
    ...customerKeyMembers(customerKey),
    ...checksum,
  }
}
