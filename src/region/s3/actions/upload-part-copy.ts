import type { UploadPartCopyCommandInput } from '../../protocol/models/s3.ts'
import { checksumMembers, digestName, type StoredChecksum } from '../checksums.ts'
import { copySource } from '../copy-source.ts'
import { checkPartKey, customerKeyMembers, customerKeyOf, sealing } from '../customer-key.ts'
import { encryptionMembers } from '../encryption.ts'
import { checkPartNumber, getUpload } from '../multipart.ts'
import { copyRangeOf } from '../ranges.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { quoted } from '../versions.ts'

/** UploadPartCopy: a part of the bytes of an object. Source: S3 API Reference, UploadPartCopy. */
export async function uploadPartCopy(
  s3: S3,
  input: UploadPartCopyCommandInput,
  request: S3Request,
) {
  const bucket = s3.bucket(request, 'PutObject', { bucket: input.Bucket, key: input.Key })
  const number = checkPartNumber(input.PartNumber)
  const { uploadId, plan, encryption } = getUpload(bucket, input)
  const customerKey = customerKeyOf(input)
  checkPartKey(encryption, customerKey)
  const source = await copySource(s3, input, request, false)
  const range = copyRangeOf(input.CopySourceRange, source.version.sizeBytes)
  const name = digestName(plan.algorithm)
  let checksum: StoredChecksum | undefined
  const { etag } = await bucket.uploads.putPart(uploadId, number, source.read(range), {
    ...sealing(customerKey),
    digests: [name],
    beforeCommit: ({ digests }) => {
      const value = digests[name]!.toString('base64')
      checksum = { algorithm: plan.algorithm, value, type: 'FULL_OBJECT' }
      return { checksum }
    },
  })
  const { ChecksumType, ...told } = checksumMembers(plan.isChosen ? checksum : undefined)
  return {
    ...source.members,
    ...encryptionMembers(encryption),
    ...customerKeyMembers(customerKey),
    CopyPartResult: { ETag: quoted(etag), LastModified: s3.now(), ...told },
  }
}
