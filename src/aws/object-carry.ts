import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { headersOf } from './object-headers.ts'
import type { ListedVersion } from './version-page.ts'

/** A bucket, and how its region is reached. */
export interface Place {
  readonly client: S3Client
  readonly bucket: string
}

/**
 * Carries a version to a bucket of another region: the bytes pass through here, a piece at a time, in the parts that they were
 * uploaded in, so that the entity tag stays what it is. S3 encrypts it there as the bucket says.
 *
 * @returns the new version's id; undefined in a bucket that keeps no versions
 */
export async function carryVersion(
  from: Place,
  to: Place,
  version: ListedVersion,
): Promise<string | undefined> {
  const { key, versionId, etag } = version
  const source = { Bucket: from.bucket, Key: key, VersionId: versionId }
  return etag.includes('-')
    ? await carryInParts(from, to, version, source)
    : await carryWhole(from, to, version, source)
}

type Source = { readonly Bucket: string; readonly Key: string; readonly VersionId: string }

async function carryWhole(
  from: Place,
  to: Place,
  { storageClass, sizeBytes }: ListedVersion,
  source: Source,
): Promise<string | undefined> {
  const found = await from.client.send(new GetObjectCommand(source))
  const put = new PutObjectCommand({
    ...(await belongings(from.client, source, found)),
    ...classOf(storageClass),
    ...{ Bucket: to.bucket, Key: source.Key, Body: found.Body!, ContentLength: sizeBytes },
  })
  return (await to.client.send(put)).VersionId
}

async function carryInParts(
  from: Place,
  to: Place,
  { storageClass }: ListedVersion,
  source: Source,
): Promise<string | undefined> {
  const head = await from.client.send(new HeadObjectCommand({ ...source, PartNumber: 1 }))
  const { UploadId } = await to.client.send(
    new CreateMultipartUploadCommand({
      ...(await belongings(from.client, source, head)),
      ...classOf(storageClass),
      ...{ Bucket: to.bucket, Key: source.Key },
    }),
  )
  const at = { Bucket: to.bucket, Key: source.Key, UploadId }
  const Parts: { PartNumber: number; ETag: string }[] = []
  for (let PartNumber = 1; PartNumber <= (head.PartsCount ?? 1); PartNumber++) {
    const { Body, ContentLength } = await from.client.send(
      new GetObjectCommand({ ...source, PartNumber }),
    )
    const part = new UploadPartCommand({ ...at, PartNumber, Body: Body!, ContentLength })
    Parts.push({ PartNumber, ETag: (await to.client.send(part)).ETag ?? '' })
  }
  const complete = new CompleteMultipartUploadCommand({ ...at, MultipartUpload: { Parts } })
  return (await to.client.send(complete)).VersionId
}

/** Headers, metadata and tags; S3 tells of tags how many there are, and nobody asks for none. */
async function belongings(
  client: S3Client,
  source: Source,
  found: Parameters<typeof headersOf>[0] & {
    readonly Metadata?: Record<string, string> | undefined
    readonly TagCount?: number | undefined
  },
) {
  const all = { ...headersOf(found), Metadata: { ...found.Metadata } }
  if (!found.TagCount) return all
  const { TagSet = [] } = await client.send(new GetObjectTaggingCommand(source))
  const tags = Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]))
  return { ...all, Tagging: new URLSearchParams(tags).toString() }
}

function classOf(storageClass: string | undefined): { StorageClass?: 'STANDARD' } {
  return storageClass ? { StorageClass: storageClass as 'STANDARD' } : {}
}
