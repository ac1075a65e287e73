import type { GetObjectAttributesCommandInput } from '../../protocol/models/s3.ts'
import { checksumMembers, type StoredChecksum } from '../checksums.ts'
import { checkReadingKey, customerKeyOf } from '../customer-key.ts'
import { S3Fault } from '../faults.ts'
import { attributesOfVersion } from '../object-attributes.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { readableVersion, versionMembers } from '../versions.ts'

const NAMES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize']

/** GetObjectAttributes: those that are asked for. Source: S3 API Reference, GetObjectAttributes. */
export async function getObjectAttributes(
  s3: S3,
  input: GetObjectAttributesCommandInput,
  request: S3Request,
) {
  const { Key: key = '', VersionId: versionId, ObjectAttributes: asked = [] } = input
  if (asked.length === 0 || !asked.every((name) => NAMES.includes(name))) {
    throw new S3Fault('InvalidArgument', 'Invalid attribute name specified.', {
      elements: { ArgumentName: 'x-amz-object-attributes' },
    })
  }
  const action = versionId === undefined ? 'GetObject' : 'GetObjectVersion'
  const at = { bucket: input.Bucket, key, versionId }
  const bucket = s3.bucket(request, action, at)
  s3.bucket(request, `${action}Attributes`, at)
  const customerKey = customerKeyOf(input)
  const version = readableVersion(s3, request, { bucket, key, versionId })
  const attributes = attributesOfVersion(version)
  checkReadingKey(attributes, customerKey)
  const { checksum, storageClass = 'STANDARD' } = attributes
  const all = {
    ETag: version.etag,
    ...(checksum ? { Checksum: checksumMembers(checksum) } : {}),
    ...(version.parts ? { ObjectParts: partsOf(version.parts, checksum, input) } : {}),
    StorageClass: storageClass,
    ObjectSize: version.sizeBytes,
  }
  const told = Object.entries(all).filter(([name]) => asked.some((one) => one === name))
  return {
    LastModified: version.modifiedAt,
    ...versionMembers(bucket, version),
    ...Object.fromEntries(told),
  }
}

/** Parts are told one by one only when each has a checksum of its own. */
function partsOf(
  parts: readonly { number: number; sizeBytes: number; attributes: Record<string, unknown> }[],
  checksum: StoredChecksum | undefined,
  input: GetObjectAttributesCommandInput,
): object {
  if (checksum?.type !== 'COMPOSITE') return { TotalPartsCount: parts.length }
  const after = Number(input.PartNumberMarker ?? 0)
  const limit = Math.min(input.MaxParts ?? 1000, 1000)
  const following = parts.filter(({ number }) => number > after)
  const page = following.slice(0, limit)
  return {
    TotalPartsCount: parts.length,
    PartNumberMarker: `${after}`,
    NextPartNumberMarker: `${page.at(-1)?.number ?? 0}`,
    MaxParts: limit,
    IsTruncated: following.length > page.length,
    Parts: page.map((part) => {
      const { ChecksumType, ...held } = checksumMembers(part.attributes.checksum as StoredChecksum)
      return { PartNumber: part.number, Size: part.sizeBytes, ...held }
    }),
  }
}
