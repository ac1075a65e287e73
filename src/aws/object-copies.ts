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

/**
 * Puts a copy of an older version in front of all others.
 *
 * @param describe  what belongs to it beside its bytes; asked where S3 does not copy that by itself
 * @returns the new version's id; undefined in a bucket that keeps no versions
 */
export async function copyOnTop(
  client: S3Client,
  bucket: string,
  version: ListedVersion,
  describe: () => Promise<ObjectDescription>,
): Promise<string | undefined> {
  const isInParts = version.etag.includes('-') || version.sizeBytes > MAX_SINGLE_COPY_BYTES
  return isInParts
    ? await copyInParts(client, bucket, version, await describe())
    : await copyWhole(client, bucket, version)
}

async function copyWhole(
  client: S3Client,
  bucket: string,
  { key, versionId, storageClass }: ListedVersion,
): Promise<string | undefined> {
  const answer = await client.send(
    new CopyObjectCommand({
      Bucket: bucket,
      Key: key,
      CopySource: copySource(bucket, key, versionId),
      MetadataDirective: 'COPY',
      TaggingDirective: 'COPY',
      ...(storageClass ? { StorageClass: storageClass as 'STANDARD' } : {}),
    }),
  )
  return answer.VersionId
}

/** In the parts that it was uploaded in, so that its entity tag stays what it is. */
async function copyInParts(
  client: S3Client,
  bucket: string,
  { key, versionId, storageClass, sizeBytes }: ListedVersion,
  { headers, metadata, tags }: ObjectDescription,
): Promise<string | undefined> {
  const source = { Bucket: bucket, Key: key, VersionId: versionId }
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({
      ...headers,
      Bucket: bucket,
      Key: key,
      Metadata: { ...metadata },
      Tagging: new URLSearchParams(tags).toString(),
      ...(storageClass ? { StorageClass: storageClass as 'STANDARD' } : {}),
    }),
  )
  const Parts: { PartNumber: number; ETag: string }[] = []
  let from = 0
  for (let PartNumber = 1; from < sizeBytes; PartNumber++) {
    const part = await client.send(new HeadObjectCommand({ ...source, PartNumber }))
    const to = from + (part.ContentLength ?? 0)
    const { CopyPartResult } = await client.send(
      new UploadPartCopyCommand({
        Bucket: bucket,
        Key: key,
        UploadId,
        PartNumber,
        CopySource: copySource(bucket, key, versionId),
        CopySourceRange: `bytes=${from}-${to - 1}`,
      }),
    )
    Parts.push({ PartNumber, ETag: CopyPartResult?.ETag ?? '' })
    from = to
  }
  const complete = { Bucket: bucket, Key: key, UploadId, MultipartUpload: { Parts } }
  return (await client.send(new CompleteMultipartUploadCommand(complete))).VersionId
}

function copySource(bucket: string, key: string, versionId: string): string {
  const path = key.split('/').map(encodeURIComponent).join('/')
  return `${bucket}/${path}?versionId=${encodeURIComponent(versionId)}`
}
