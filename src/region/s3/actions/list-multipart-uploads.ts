import type { ListMultipartUploadsCommandInput } from '../../protocol/models/s3.ts'
import { keyWriter, pageSize, prefixes } from '../listing.ts'
import type { ChecksumPlan } from '../multipart.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { nonEmpty } from './list-objects.ts'

/** ListMultipartUploads that are neither completed nor aborted. Source: S3 API Reference, ListMultipartUploads. */
export async function listMultipartUploads(
  s3: S3,
  input: ListMultipartUploadsCommandInput,
  request: S3Request,
) {
  const bucket = s3.bucket(request, 'ListBucketMultipartUploads', { bucket: input.Bucket })
  const { KeyMarker, UploadIdMarker, Prefix, Delimiter } = input
  const limit = pageSize(input.MaxUploads, { name: 'max-uploads' })
  const write = keyWriter(input.EncodingType)
  const page = bucket.uploads.list({
    ...nonEmpty({
      prefix: Prefix,
      delimiter: Delimiter,
      afterKey: KeyMarker,
      afterUploadId: KeyMarker === undefined ? undefined : UploadIdMarker,
    }),
    limit,
  })
  const last = page.uploads.at(-1)
  const lastPrefix = page.commonPrefixes.at(-1)
  const endsInPrefix = lastPrefix !== undefined && (!last || lastPrefix > last.key)
  const next = endsInPrefix
    ? { NextKeyMarker: write(lastPrefix) }
    : { NextKeyMarker: write(last?.key ?? ''), NextUploadIdMarker: last?.uploadId }
  return {
    Bucket: input.Bucket,
    KeyMarker: write(KeyMarker ?? ''),
    UploadIdMarker: UploadIdMarker ?? '',
    Prefix: write(Prefix ?? ''),
    ...nonEmpty({ Delimiter: write(Delimiter), EncodingType: input.EncodingType }),
    MaxUploads: limit,
    IsTruncated: page.isTruncated,
    ...(page.isTruncated ? nonEmpty(next) : {}),
    Uploads: page.uploads.map((upload) => {
      const plan = upload.attributes.checksumPlan as ChecksumPlan
      return {
        Key: write(upload.key),
        UploadId: upload.uploadId,
        Initiated: upload.startedAt,
        StorageClass: upload.attributes.storageClass ?? 'STANDARD',
        Owner: s3.owner(),
        Initiator: s3.owner(),
        ...(plan.isChosen ? { ChecksumAlgorithm: plan.algorithm, ChecksumType: plan.type } : {}),
      }
    }),
    CommonPrefixes: prefixes(page.commonPrefixes, write),
  }
}
