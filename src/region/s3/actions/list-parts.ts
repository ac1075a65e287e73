import type { ListPartsCommandInput } from '../../protocol/models/s3.ts'
import { checksumMembers } from '../checksums.ts'
import { S3Fault } from '../faults.ts'
import { abortMembers } from '../lifecycle/members.ts'
import { pageSize } from '../listing.ts'
import { getUpload, listParts as storedParts } from '../multipart.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { quoted } from '../versions.ts'

/** ListParts, by number. Source: S3 API Reference, ListParts. */
export async function listParts(s3: S3, input: ListPartsCommandInput, request: S3Request) {
  const { Bucket, Key, PartNumberMarker: marker = '0' } = input
  const bucket = s3.bucket(request, 'ListMultipartUploadParts', { bucket: Bucket, key: Key })
  const { uploadId, plan } = getUpload(bucket, input)
  const upload = bucket.uploads.find(uploadId)
  if (!/^\d{1,10}$/.test(marker)) {
    throw new S3Fault(
      'InvalidArgument',
      'Argument part-number-marker must be an integer between 0 and 2147483647',
      { elements: { ArgumentName: 'part-number-marker', ArgumentValue: marker } },
    )
  }
  const limit = pageSize(input.MaxParts, { name: 'max-parts' })
  const { parts, isTruncated } = storedParts(bucket, uploadId, { after: Number(marker), limit })
  return {
    Bucket,
    Key,
    UploadId: uploadId,
    ...abortMembers(s3, bucket, upload),
    Initiator: s3.owner(),
    Owner: s3.owner(),
    StorageClass: upload?.attributes.storageClass ?? 'STANDARD',
    PartNumberMarker: marker,
    MaxParts: limit,
    IsTruncated: isTruncated,
    ...(isTruncated ? { NextPartNumberMarker: `${parts.at(-1)?.number ?? marker}` } : {}),
    ...(plan.isChosen ? { ChecksumAlgorithm: plan.algorithm, ChecksumType: plan.type } : {}),
    Parts: parts.map((part) => ({
      PartNumber: part.number,
      LastModified: part.modifiedAt,
      ETag: quoted(part.etag),
      Size: part.sizeBytes,
      ...checksumMembers(plan.isChosen ? part.checksum : undefined),
    })),
  }
}
