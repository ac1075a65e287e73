import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import type { ObjectDescription } from './buckets.ts'
import type { ListedVersion } from './version-page.ts'

/** Larger objects, and those that were uploaded in parts, are copied in parts. */
const MAX_SINGLE_COPY_BYTES = 5 * 2 ** 30

/** A bucket, and how its region is reached. */
export interface Place {
  readonly client: S3Client
  readonly bucket: string
}

/**
 * Puts a copy of a version in front of all others of its key, in the same bucket or in that of another region. The bytes go
 * from S3 to S3.
 *
 * @param describe  what belongs to it beside its bytes; asked where S3 does not copy that by itself
 * @returns the new version's id; undefined in a bucket that keeps no versions
 */
export async function copyOnTop(
  from: Place,
  to: Place,
  version: ListedVersion,
  describe: () => Promise<ObjectDescription>,
): Promise<string | undefined> {
  const isInParts = version.etag.includes('-') || version.sizeBytes > MAX_SINGLE_COPY_BYTES
  return isInParts
    ? await copyInParts(from, to, version, await describe())
    : await copyWhole(from, to, version)
}

async function copyWhole(
  from: Place,
  to: Place,
  version: ListedVersion,
): Promise<string | undefined> {
  const { key, storageClass } = version
  const answer = await to.client.send(
    new CopyObjectCommand({
      Bucket: to.bucket,
      Key: key,
      CopySource: copySource(from, version),
      MetadataDirective: 'COPY',
      TaggingDirective: 'COPY',
      ...(storageClass ? { StorageClass: storageClass as 'STANDARD' } : {}),
    }),
  )
  return answer.VersionId
}

/** In the parts that it was uploaded in, so that its entity tag stays what it is. */
async function copyInParts(
  from: Place,
  to: Place,
  version: ListedVersion,
  { headers, metadata, tags }: ObjectDescription,
): Promise<string | undefined> {
  const { key, storageClass } = version
  const { UploadId } = await to.client.send(
    new CreateMultipartUploadCommand({
      ...headers,
      Bucket: to.bucket,
      Key: key,
      Metadata: { ...metadata },
      Tagging: new URLSearchParams(tags).toString(),
      ...(storageClass ? { StorageClass: storageClass as 'STANDARD' } : {}),
    }),
  )
  const upload = { Bucket: to.bucket, Key: key, UploadId }
  const Parts = await copyParts(from, to, version, upload)
  const complete = { ...upload, MultipartUpload: { Parts } }
  return (await to.client.send(new CompleteMultipartUploadCommand(complete))).VersionId
}

interface Upload {
  readonly Bucket: string
  readonly Key: string
  readonly UploadId: string | undefined
}

async function copyParts(
  from: Place,
  to: Place,
  version: ListedVersion,
  upload: Upload,
): Promise<{ PartNumber: number; ETag: string }[]> {
  const source = { Bucket: from.bucket, Key: version.key, VersionId: version.versionId }
  const CopySource = copySource(from, version)
  const parts: { PartNumber: number; ETag: string }[] = []
  let start = 0
  for (let PartNumber = 1; start < version.sizeBytes; PartNumber++) {
    const part = await from.client.send(new HeadObjectCommand({ ...source, PartNumber }))
    const end = start + (part.ContentLength ?? 0)
    const CopySourceRange = `bytes=${start}-${end - 1}`
    const { CopyPartResult } = await to.client.send(
      new UploadPartCopyCommand({ ...upload, PartNumber, CopySource, CopySourceRange }),
    )
    parts.push({ PartNumber, ETag: CopyPartResult?.ETag ?? '' })
    start = end
  }
  return parts
}

function copySource({ bucket }: Place, { key, versionId }: ListedVersion): string {
  const path = key.split('/').map(encodeURIComponent).join('/')
  return `${bucket}/${path}?versionId=${encodeURIComponent(versionId)}`
}
