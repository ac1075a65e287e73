import type { Bucket } from '../../../objectstore/bucket.ts'
import type { ObjectVersion } from '../../../objectstore/object-version.ts'
import type {
  CompletedPart,
  CompleteMultipartUploadCommandInput,
} from '../../protocol/models/s3.ts'
import { malformedXml } from '../../protocol/xml-reader.ts'
import { checksumMembers, claimedChecksum } from '../checksums.ts'
import { unquoted, writePrecondition } from '../conditions.ts'
import { encryptionMembers } from '../encryption.ts'
import { S3Fault } from '../faults.ts'
import { expirationMembers } from '../lifecycle/members.ts'
import {
  type ChecksumPlan,
  checksumOfParts,
  getUpload,
  listParts,
  MAX_PARTS,
  type StoredPart,
} from '../multipart.ts'
import { attributesOfVersion } from '../object-attributes.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { quoted, versionMembers } from '../versions.ts'

/** Source: S3 User Guide, "Multipart upload limits": of every part but the last. */
const MIN_PART_BYTES = 5 * 1024 ** 2
/** How many of the newest versions of a key may be what an upload made that is there no more. */
const MAX_VERSIONS_SEARCHED = 100

/** CompleteMultipartUpload: the parts become one object. Source: S3 API Reference, CompleteMultipartUpload. */
export async function completeMultipartUpload(
  s3: S3,
  input: CompleteMultipartUploadCommandInput,
  request: S3Request,
) {
  const key = input.Key ?? ''
  const bucket = s3.bucket(request, 'PutObject', { bucket: input.Bucket, key })
  const asked = input.MultipartUpload?.Parts ?? []
  if (asked.length === 0 || asked.length > MAX_PARTS) throw malformedXml()
  const made = madeBefore(bucket, input, asked)
  if (made) return told(s3, bucket, made, request)
  const { uploadId, plan } = getUpload(bucket, input)
  const stored = listParts(bucket, uploadId, { after: 0, limit: MAX_PARTS }).parts
  const parts = chosenParts(asked, stored, { uploadId, plan })
  checkSizes(parts, input.MpuObjectSize)
  const checksum = checksumOfParts(plan, parts)
  const claimed = claimedChecksum(request.headers)
  if (claimed && (claimed.algorithm !== plan.algorithm || claimed.value !== checksum.value)) {
    const message = `The ${claimed.algorithm} you specified did not match the calculated checksum.`
    throw new S3Fault('BadDigest', message)
  }
  const version = await bucket.uploads.complete(
    uploadId,
    parts.map(({ number, etag }) => ({ number, etag })),
    {
      ...writePrecondition(input),
      attributes: { checksum, uploadId },
      outbox: s3.replication.ofWrite(bucket),
    },
  )
  return told(s3, bucket, version, request)
}

/**
 * What a client gets that did not hear that its upload was completed, and says it again.
 *
 * Source: S3 User Guide, "Uploading and copying objects using multipart upload": a client should be prepared to retry.
 */
function madeBefore(
  bucket: Bucket,
  { Key: key = '', UploadId: uploadId = '' }: CompleteMultipartUploadCommandInput,
  asked: readonly CompletedPart[],
): ObjectVersion | undefined {
  if (bucket.uploads.find(uploadId)) return undefined
  const { versions } = bucket.listVersions({ prefix: key, limit: MAX_VERSIONS_SEARCHED })
  return versions.find(
    (version) =>
      version.key === key &&
      attributesOfVersion(version).uploadId === uploadId &&
      asked.length === version.parts?.length &&
      asked.every(({ PartNumber, ETag }, index) => {
        const part = version.parts![index]!
        return part.number === PartNumber && part.etag === unquoted(ETag ?? '')
      }),
  )
}

function told(s3: S3, bucket: Bucket, version: ObjectVersion, request: S3Request) {
  const attributes = attributesOfVersion(version)
  return {
    Location: `http://${request.headers.get('host') ?? ''}/${bucket.name}/${version.key}`,
    Bucket: bucket.name,
    Key: version.key,
    ETag: quoted(version.etag),
    ...versionMembers(bucket, version),
    ...checksumMembers(attributes.checksum),
    ...encryptionMembers(attributes),
    ...expirationMembers(s3, bucket, version),
  }
}

/** @throws S3Fault `InvalidPart`, `InvalidPartOrder`, `InvalidRequest` */
function chosenParts(
  asked: readonly CompletedPart[],
  stored: readonly StoredPart[],
  { uploadId, plan }: { uploadId: string; plan: ChecksumPlan },
): StoredPart[] {
  const partByNumber = new Map(stored.map((part) => [part.number, part]))
  let last = 0
  return asked.map((part) => {
    const { PartNumber: number = 0, ETag: etag = '' } = part
    if (number <= last) {
      throw new S3Fault(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
        { elements: { UploadId: uploadId } },
      )
    }
    last = number
    const found = partByNumber.get(number)
    const claimed = part[`Checksum${plan.algorithm}`]
    if (claimed === undefined && plan.isChosen && plan.type === 'COMPOSITE') {
      throw new S3Fault(
        'InvalidRequest',
        `The upload was created using a ${plan.algorithm.toLowerCase()} checksum. The complete request must ` +
          `include the checksum for each part. It was missing for part ${number} in the request.`,
      )
    }
    const isSame = claimed === undefined || claimed === found?.checksum?.value
    if (found && found.etag === unquoted(etag) && isSame) return found
    throw new S3Fault(
      'InvalidPart',
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
      { elements: { UploadId: uploadId, PartNumber: `${number}`, ETag: unquoted(etag) } },
    )
  })
}

/** @throws S3Fault `EntityTooSmall`, `InvalidRequest` */
function checkSizes(parts: readonly StoredPart[], claimedBytes: number | undefined): void {
  const small = parts.slice(0, -1).find(({ sizeBytes }) => sizeBytes < MIN_PART_BYTES)
  if (small) {
    throw new S3Fault(
      'EntityTooSmall',
      'Your proposed upload is smaller than the minimum allowed size',
      {
        elements: {
          ProposedSize: `${small.sizeBytes}`,
          MinSizeAllowed: `${MIN_PART_BYTES}`,
          PartNumber: `${small.number}`,
          ETag: small.etag,
        },
      },
    )
  }
  const sum = parts.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
  if (claimedBytes === undefined || claimedBytes === sum) return
  throw new S3Fault(
    'InvalidRequest',
    `The provided 'x-amz-mp-object-size' header value ${claimedBytes} does not match what was computed: ${sum}`,
  )
}
