import type { Bucket } from '../../objectstore/bucket.ts'
import type { ObjectVersion } from '../../objectstore/object-version.ts'
import { checkReadConditions } from './conditions.ts'
import { checkReadingKey, copySourceKeyOf } from './customer-key.ts'
import { S3Fault } from './faults.ts'
import { attributesOfVersion } from './object-attributes.ts'
import type { ByteRange } from './ranges.ts'
import type { Asker, S3 } from './s3.ts'
import type { S3Request } from './s3-request.ts'
import { readableVersion, versionMembers } from './versions.ts'

/** The members by which CopyObject and UploadPartCopy name and condition their source. */
export interface CopyInput {
  readonly CopySource?: string | undefined
  readonly CopySourceIfMatch?: string | undefined
  readonly CopySourceIfNoneMatch?: string | undefined
  readonly CopySourceIfModifiedSince?: Date | undefined
  readonly CopySourceIfUnmodifiedSince?: Date | undefined
  readonly CopySourceSSECustomerAlgorithm?: string | undefined
  readonly CopySourceSSECustomerKey?: string | undefined
  readonly CopySourceSSECustomerKeyMD5?: string | undefined
}

/** What a copy asks of its source. */
export interface SourceQuestion {
  readonly input: CopyInput
  readonly asker: Asker
  /** Whether the copy has the tags of its source, which the caller must be allowed to read. */
  readonly withTags: boolean
}

/** What is told of a source. */
export interface SourceAnswer {
  readonly bucketName: string
  readonly version: Pick<
    ObjectVersion,
    'key' | 'versionId' | 'isLatest' | 'sizeBytes' | 'etag' | 'attributes' | 'tags' | 'parts'
  >
  readonly members: { readonly CopySourceVersionId?: string }
}

export interface CopySource extends SourceAnswer {
  /** Whose bytes can be shared instead of read; undefined when that cannot be. */
  readonly shared?: { readonly bucket: Bucket; readonly version: ObjectVersion }
  read(range?: ByteRange): AsyncIterable<Buffer>
}

/**
 * The version that is to be copied, when the caller may read it and the conditions hold. Another region that has it is asked.
 *
 * @throws S3Fault `InvalidArgument`, `InvalidRequest`, `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`,
 *   `PreconditionFailed`, `AccessDenied`; `ServiceUnavailable` when the source's region is away
 */
export async function copySource(
  s3: S3,
  input: CopyInput,
  request: S3Request,
  withTags: boolean,
): Promise<CopySource> {
  const owner = request.headers.get('x-amz-source-expected-bucket-owner')
  const { caller, authentication } = request
  const asker = { caller, authentication, headers: expecting(owner) }
  const question = { input, asker, withTags }
  const region = s3.elsewhere(parseCopySource(input.CopySource).bucketName)
  if (region !== undefined) return await s3.distantSources.of(region, question)
  const { bucket, version, ...answer } = findSource(s3, question)
  const sealedWith = copySourceKeyOf(input)?.key
  return {
    ...answer,
    version,
    ...(sealedWith ? {} : { shared: { bucket, version } }),
    read: (range) => bucket.read(version, { ...range, sealedWith }),
  }
}

/** The source, of a bucket that is here. @throws as `copySource` */
export function findSource(
  s3: S3,
  { input, asker, withTags }: SourceQuestion,
): SourceAnswer & { readonly bucket: Bucket; readonly version: ObjectVersion } {
  const { bucketName, key, versionId } = parseCopySource(input.CopySource)
  const suffix = versionId === undefined ? '' : 'Version'
  const at = { bucket: bucketName, key, versionId }
  const bucket = s3.bucket(asker, `GetObject${suffix}`, at)
  const version = sourceVersion(s3, asker, { bucket, key, versionId })
  checkReadConditions(
    version,
    {
      ifMatch: input.CopySourceIfMatch,
      ifNoneMatch: input.CopySourceIfNoneMatch,
      ifModifiedSince: input.CopySourceIfModifiedSince,
      ifUnmodifiedSince: input.CopySourceIfUnmodifiedSince,
    },
    { isCopy: true },
  )
  checkReadingKey(attributesOfVersion(version), copySourceKeyOf(input))
  if (withTags && Object.keys(version.tags).length > 0) {
    s3.bucket({ ...asker, headers: new Map() }, `GetObject${suffix}Tagging`, at)
  }
  const { VersionId } = versionMembers(bucket, version)
  const members = VersionId === undefined ? {} : { CopySourceVersionId: VersionId }
  return { bucketName, bucket, version, members }
}

function sourceVersion(
  s3: S3,
  asker: Asker,
  at: { bucket: Bucket; key: string; versionId: string | undefined },
): ObjectVersion {
  try {
    return readableVersion(s3, asker, at)
  } catch (error) {
    if (!(error instanceof S3Fault) || error.shape !== 'MethodNotAllowed') throw error
    throw new S3Fault(
      'InvalidRequest',
      'The source of a copy request may not specifically refer to a delete marker by version id.',
    )
  }
}

/** `bucket/key?versionId=id`, encoded, with or without a slash before it. */
function parseCopySource(text = '') {
  const mark = text.lastIndexOf('?versionId=')
  const versionId = mark < 0 ? undefined : decoded(text.slice(mark + '?versionId='.length))
  const path = decoded(mark < 0 ? text : text.slice(0, mark)).replace(/^\//, '')
  const slash = path.indexOf('/')
  if (slash < 1 || slash === path.length - 1) throw invalidSource(text)
  return { bucketName: path.slice(0, slash), key: path.slice(slash + 1), versionId }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) throw invalidSource(text)
    throw error
  }
}

function expecting(owner: string | undefined): ReadonlyMap<string, string> {
  return new Map(owner === undefined ? [] : [['x-amz-expected-bucket-owner', owner]])
}

function invalidSource(text: string) {
  return new S3Fault(
    'InvalidArgument',
    'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    { elements: { ArgumentName: 'x-amz-copy-source', ArgumentValue: text } },
  )
}
