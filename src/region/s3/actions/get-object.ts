import type { ObjectVersion } from '../../../objectstore/object-version.ts'
import type { GetObjectCommandInput, HeadObjectCommandInput } from '../../protocol/models/s3.ts'
import { ANONYMOUS } from '../../protocol/verified-stream.ts'
import { checksumMembers, type StoredChecksum } from '../checksums.ts'
import { checkReadConditions } from '../conditions.ts'
import { checkReadingKey, customerKeyMembers, customerKeyOf } from '../customer-key.ts'
import { refuseEncryptionHeaders } from '../encryption.ts'
import { S3Fault } from '../faults.ts'
import { expirationMembers } from '../lifecycle/members.ts'
import { attributeMembers, attributesOfVersion } from '../object-attributes.ts'
import { lockMembers } from '../object-lock.ts'
import { type ByteRange, rangeOf } from '../ranges.ts'
import { failureHeaders, replicationMembers } from '../replication/state.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { quoted, readableVersion, versionMembers } from '../versions.ts'

/**
 * GetObject: the content of an object, or a range or part of it, with all that is known of it.
 *
 * Source: S3 API Reference, GetObject.
 */
export async function getObject(s3: S3, input: GetObjectCommandInput, request: S3Request) {
  const { bucket, version, range, members, customerKey } = found(s3, input, request)
  const from = range ? { from: range.from, to: range.to } : {}
  const body = bucket.read(version, { ...from, sealedWith: customerKey?.key })
  return { ...members, Body: await begun(body) }
}

/** Reads the first bytes before anything is answered: what cannot be read is refused, and not cut off. */
async function begun(body: AsyncGenerator<Buffer>): Promise<AsyncIterable<Buffer>> {
  let first: IteratorResult<Buffer> | undefined = await body.next()
  const next = async () => {
    const result = first ?? (await body.next())
    first = undefined
    return result
  }
  return { [Symbol.asyncIterator]: () => ({ next, return: () => body.return(undefined) }) }
}

/** HeadObject: as GetObject, without the content. Source: S3 API Reference, HeadObject. */
export async function headObject(s3: S3, input: HeadObjectCommandInput, request: S3Request) {
  return found(s3, input, request).members
}

function found(s3: S3, input: GetObjectCommandInput | HeadObjectCommandInput, request: S3Request) {
  const { Key: key = '', VersionId: versionId } = input
  const bucket = s3.bucket(request, versionId === undefined ? 'GetObject' : 'GetObjectVersion', {
    bucket: input.Bucket,
    key,
    versionId,
  })
  refuseEncryptionHeaders(request.headers)
  const customerKey = customerKeyOf(input)
  const version = readableVersion(s3, request, { bucket, key, versionId })
  checkReadConditions(version, {
    ifMatch: input.IfMatch,
    ifNoneMatch: input.IfNoneMatch,
    ifModifiedSince: input.IfModifiedSince,
    ifUnmodifiedSince: input.IfUnmodifiedSince,
  })
  const range = askedRange(version, input)
  const attributes = attributesOfVersion(version)
  checkReadingKey(attributes, customerKey)
  const tagCount = Object.keys(version.tags).length
  const isWhole = !range || (range.from === 0 && range.to === version.sizeBytes)
  const members = {
    ...attributeMembers(attributes),
    ...customerKeyMembers(customerKey),
    ...overrides(input, request),
    ...versionMembers(bucket, version),
    ...lockMembers(version),
    ...expirationMembers(s3, bucket, version),
    ...(tagCount > 0 ? { TagCount: tagCount } : {}),
    ...(input.ChecksumMode === 'ENABLED'
      ? checksumMembers(checksumOf(version, input, isWhole))
      : {}),
    ETag: quoted(version.etag),
    LastModified: version.modifiedAt,
    AcceptRanges: 'bytes',
    ContentLength: range ? range.to - range.from : version.sizeBytes,
    ...(range ? { ContentRange: `bytes ${range.from}-${range.to - 1}/${version.sizeBytes}` } : {}),
    ...(input.PartNumber !== undefined && version.parts
      ? { PartsCount: version.parts.length }
      : {}),
    ...replicationMembers(version),
    ...(range ? { httpStatus: 206 } : {}),
    httpHeaders: {
      ...expiresHeader(input.ResponseExpires, attributes.expires),
      ...failureHeaders(version),
    },
  }
  return { bucket, version, range, members, customerKey }
}

/** @throws S3Fault `InvalidRequest`, `InvalidRange`, `InvalidPartNumber` */
function askedRange(
  version: ObjectVersion,
  input: GetObjectCommandInput | HeadObjectCommandInput,
): ByteRange | undefined {
  const { Range, PartNumber } = input
  if (PartNumber === undefined) return rangeOf(Range, version.sizeBytes)
  if (Range !== undefined) {
    throw new S3Fault(
      'InvalidRequest',
      'Cannot specify both Range header and partNumber query parameter',
    )
  }
  const parts = version.parts ?? [{ sizeBytes: version.sizeBytes }]
  if (!Number.isInteger(PartNumber) || PartNumber < 1 || PartNumber > parts.length) {
    throw new S3Fault('InvalidPartNumber', 'The requested partnumber is not satisfiable')
  }
  const from = parts.slice(0, PartNumber - 1).reduce((sum, part) => sum + part.sizeBytes, 0)
  return { from, to: from + parts[PartNumber - 1]!.sizeBytes }
}

/** Of a part there is one if the checksum of the object is made of them; of another range there is none. */
function checksumOf(
  version: ObjectVersion,
  { PartNumber }: GetObjectCommandInput | HeadObjectCommandInput,
  isWhole: boolean,
): StoredChecksum | undefined {
  const { checksum } = attributesOfVersion(version)
  const part = PartNumber === undefined ? undefined : version.parts?.[PartNumber - 1]
  if (!part) return isWhole ? checksum : undefined
  const own = part.attributes.checksum as StoredChecksum | undefined
  return checksum?.type === 'COMPOSITE' && own ? { ...own, type: 'COMPOSITE' } : undefined
}

/** @param stored  as it came, which need not be a date */
function expiresHeader(asked: Date | undefined, stored: string | undefined) {
  const told = asked?.toUTCString() ?? stored
  return told === undefined ? {} : { expires: told }
}

/**
 * What a request wants the answer to say, whatever is stored.
 *
 * @throws S3Fault `InvalidRequest` for a request that nobody signed
 */
function overrides(
  input: GetObjectCommandInput | HeadObjectCommandInput,
  { caller }: S3Request,
): object {
  const asked = {
    CacheControl: input.ResponseCacheControl,
    ContentDisposition: input.ResponseContentDisposition,
    ContentEncoding: input.ResponseContentEncoding,
    ContentLanguage: input.ResponseContentLanguage,
    ContentType: input.ResponseContentType,
  }
  const given = Object.entries(asked).filter(([, text]) => text !== undefined)
  if (caller === ANONYMOUS && (given.length > 0 || input.ResponseExpires)) {
    throw new S3Fault(
      'InvalidRequest',
      'Request specific response headers cannot be used for anonymous GET requests.',
    )
  }
  return Object.fromEntries(given)
}
