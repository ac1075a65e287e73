import type { Bucket } from '../../objectstore/bucket.ts'
import type { ObjectVersion } from '../../objectstore/object-version.ts'
import { checkReadConditions } from './conditions.ts'
import { checkReadingKey, copySourceKeyOf } from './customer-key.ts'
import { S3Fault } from './faults.ts'
import { attributesOfVersion } from './object-attributes.ts'
import type { S3 } from './s3.ts'
import type { S3Request } from './s3-request.ts'
import { readableVersion, versionMembers } from './versions.ts'

/** The members by which CopyObject and UploadPartCopy name and condition their source. */
interface CopyInput {
  readonly CopySource?: string | undefined
  readonly CopySourceIfMatch?: string | undefined
  readonly CopySourceIfNoneMatch?: string | undefined
  readonly CopySourceIfModifiedSince?: Date | undefined
  readonly CopySourceIfUnmodifiedSince?: Date | undefined
  readonly CopySourceSSECustomerAlgorithm?: string | undefined
  readonly CopySourceSSECustomerKey?: string | undefined
  readonly CopySourceSSECustomerKeyMD5?: string | undefined
}

export interface CopySource {
  readonly bucket: Bucket
  readonly version: ObjectVersion
  readonly members: { CopySourceVersionId?: string }
  /** Whether the version was named. */
  readonly isByVersion: boolean
  /** The key of its customer, when it was put with one. */
  readonly sealedWith: Buffer | undefined
}

/**
 * The version that is to be copied, when the caller may read it and the conditions hold.
 *
 * @throws S3Fault `InvalidArgument`, `InvalidRequest`, `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`,
 *   `PreconditionFailed`, `AccessDenied`
 */
export function copySource(s3: S3, input: CopyInput, request: S3Request): CopySource {
  const { bucketName, key, versionId } = parseCopySource(input.CopySource ?? '')
  const action = versionId === undefined ? 'GetObject' : 'GetObjectVersion'
  const owner = request.headers.get('x-amz-source-expected-bucket-owner')
  const { caller, authentication } = request
  const asker = { caller, authentication, headers: expecting(owner) }
  const bucket = s3.bucket(asker, action, { bucket: bucketName, key, versionId })
  const version = sourceVersion(s3, request, { bucket, key, versionId })
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
  const sent = copySourceKeyOf(input)
  checkReadingKey(attributesOfVersion(version), sent)
  const { VersionId } = versionMembers(bucket, version)
  const members = VersionId === undefined ? {} : { CopySourceVersionId: VersionId }
  const isByVersion = versionId !== undefined
  return { bucket, version, members, isByVersion, sealedWith: sent?.key }
}

function sourceVersion(
  s3: S3,
  request: S3Request,
  at: { bucket: Bucket; key: string; versionId: string | undefined },
): ObjectVersion {
  try {
    return readableVersion(s3, request, at)
  } catch (error) {
    if (!(error instanceof S3Fault) || error.shape !== 'MethodNotAllowed') throw error
    throw new S3Fault(
      'InvalidRequest',
      'The source of a copy request may not specifically refer to a delete marker by version id.',
    )
  }
}

/** `bucket/key?versionId=id`, encoded, with or without a slash before it. */
function parseCopySource(text: string) {
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
