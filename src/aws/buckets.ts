import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { LifeboatError } from '../core/errors.ts'
import type { Calls } from './calls.ts'

/** A version of an object, or a delete marker, as a listing tells of it. */
export interface ListedVersion {
  readonly key: string
  readonly versionId: string
  readonly isDeleteMarker: boolean
  readonly isLatest: boolean
  /** S3 on AWS tells whole seconds. */
  readonly modifiedAt: Date
  /** Empty for a delete marker. */
  readonly etag: string
  readonly sizeBytes: number
  readonly storageClass: string | undefined
}

/** What belongs to an object beside its bytes. */
export interface ObjectDescription {
  readonly headers: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
}

/** Larger objects, and those that were uploaded in parts, are copied in parts. */
const MAX_SINGLE_COPY_BYTES = 5 * 2 ** 30
const HEADERS = [
  'CacheControl',
  'ContentDisposition',
  'ContentEncoding',
  'ContentLanguage',
  'ContentType',
  'WebsiteRedirectLocation',
] as const

/** Amazon S3 of one region, in our words. Every method throws as `Calls` says. */
export class Buckets {
  constructor(
    private readonly client: S3Client,
    private readonly calls: Calls,
  ) {}

  async getVersioning(bucket: string): Promise<'enabled' | 'suspended' | 'off'> {
    const { Status } = await this.calls.read(`read the versioning of bucket '${bucket}'`, () =>
      this.client.send(new GetBucketVersioningCommand({ Bucket: bucket })),
    )
    if (Status === undefined) return 'off'
    return Status === 'Enabled' ? 'enabled' : 'suspended'
  }

  /** Every version and delete marker, by key and newest first under each key. */
  async *listVersions(bucket: string, prefix = ''): AsyncGenerator<ListedVersion> {
    let marker: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {}
    while (marker) {
      const at: typeof marker = marker
      const page: ListObjectVersionsCommandOutput = await this.calls.read(
        `list the versions in bucket '${bucket}'`,
        () =>
          this.client.send(
            new ListObjectVersionsCommand({
              Bucket: bucket,
              Prefix: prefix,
              // XML cannot hold every key.
              EncodingType: 'url',
              ...at,
            }),
          ),
      )
      yield* versionsOf(page)
      const { IsTruncated, NextKeyMarker, NextVersionIdMarker } = page
      marker = IsTruncated
        ? {
            KeyMarker: decodeKey(NextKeyMarker ?? ''),
            ...(NextVersionIdMarker ? { VersionIdMarker: NextVersionIdMarker } : {}),
          }
        : undefined
    }
  }

  /** Headers, metadata and tags of one version. */
  async describe(bucket: string, key: string, versionId: string): Promise<ObjectDescription> {
    const at = { Bucket: bucket, Key: key, VersionId: versionId }
    const what = `version '${versionId}' of '${key}' in bucket '${bucket}'`
    const head = await this.calls.read(`read the metadata of ${what}`, () =>
      this.client.send(new HeadObjectCommand(at)),
    )
    const { TagSet = [] } = await this.calls.read(`read the tags of ${what}`, () =>
      this.client.send(new GetObjectTaggingCommand(at)),
    )
    return {
      headers: headersOf(head),
      metadata: head.Metadata ?? {},
      tags: Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value])),
    }
  }

  /**
   * Puts a copy of an older version in front of all others: the same bytes, entity tag, metadata and tags. Repeating it puts
   * one more copy there, which does no harm.
   *
   * @returns the new version's id
   */
  async putOnTop(bucket: string, version: ListedVersion): Promise<string> {
    const what = `copy version '${version.versionId}' of '${version.key}' in bucket '${bucket}'`
    const isInParts = version.etag.includes('-') || version.sizeBytes > MAX_SINGLE_COPY_BYTES
    const versionId = await this.calls.repeat(what, () =>
      isInParts ? this.#copyInParts(bucket, version) : this.#copy(bucket, version),
    )
    if (versionId) return versionId
    throw new LifeboatError(
      'CallRefused',
      `could not ${what}: bucket '${bucket}' keeps no versions`,
    )
  }

  /** Puts a delete marker in front. Repeating it puts one more there, which does no harm. */
  async hide(bucket: string, key: string): Promise<void> {
    await this.calls.repeat(`delete '${key}' in bucket '${bucket}'`, () =>
      this.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })),
    )
  }

  async #copy(bucket: string, { key, versionId, storageClass }: ListedVersion) {
    const answer = await this.client.send(
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
  async #copyInParts(bucket: string, version: ListedVersion): Promise<string | undefined> {
    const { key, versionId, storageClass } = version
    const source = { Bucket: bucket, Key: key, VersionId: versionId }
    const { headers, metadata, tags } = await this.describe(bucket, key, versionId)
    const { UploadId } = await this.client.send(
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
    for (let PartNumber = 1; from < version.sizeBytes; PartNumber++) {
      const part = await this.client.send(new HeadObjectCommand({ ...source, PartNumber }))
      const to = from + (part.ContentLength ?? 0)
      const { CopyPartResult } = await this.client.send(
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
    return (await this.client.send(new CompleteMultipartUploadCommand(complete))).VersionId
  }
}

/** S3 tells versions and delete markers apart; together they are in the order of the listing. */
function versionsOf({
  Versions = [],
  DeleteMarkers = [],
}: ListObjectVersionsCommandOutput): ListedVersion[] {
  const objects = Versions.map((one) => ({ ...one, isDeleteMarker: false }))
  const markers = DeleteMarkers.map((one) => ({ ...one, isDeleteMarker: true, Size: 0, ETag: '' }))
  const byKey = new Map<string, ListedVersion[]>()
  for (const one of [...objects, ...markers]) {
    const key = decodeKey(one.Key ?? '')
    const versions = byKey.get(key) ?? []
    byKey.set(key, versions)
    versions.push({
      key,
      versionId: one.VersionId ?? 'null',
      isDeleteMarker: one.isDeleteMarker,
      isLatest: one.IsLatest === true,
      modifiedAt: one.LastModified ?? new Date(0),
      etag: (one.ETag ?? '').replaceAll('"', ''),
      sizeBytes: one.Size ?? 0,
      storageClass: 'StorageClass' in one ? one.StorageClass : undefined,
    })
  }
  const keys = [...byKey.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return keys.flatMap((key) => byKey.get(key)!.sort(newestFirst))
}

function newestFirst(a: ListedVersion, b: ListedVersion): number {
  if (a.isLatest !== b.isLatest) return a.isLatest ? -1 : 1
  return b.modifiedAt.getTime() - a.modifiedAt.getTime()
}

function headersOf(head: HeadObjectCommandOutput): Record<string, string> {
  const present = HEADERS.flatMap((name) => {
    const value = head[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(present)
}

function copySource(bucket: string, key: string, versionId: string): string {
  const path = key.split('/').map(encodeURIComponent).join('/')
  return `${bucket}/${path}?versionId=${encodeURIComponent(versionId)}`
}

function decodeKey(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '))
}
