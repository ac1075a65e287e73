import type { Bucket } from '../../objectstore/bucket.ts'
import {
  type ChecksumAlgorithm,
  digestOf,
  parseChecksumAlgorithm,
  type StoredChecksum,
} from './checksums.ts'
import { combinedCrc } from './combined-crc.ts'
import type { ObjectEncryption } from './encryption.ts'
import { S3Fault } from './faults.ts'
import { DEFAULT_ALGORITHM } from './upload.ts'

/** How the checksum of an upload in parts is made; kept with the upload. */
export interface ChecksumPlan {
  readonly algorithm: ChecksumAlgorithm
  readonly type: StoredChecksum['type']
  /** Whether the client chose it. */
  readonly isChosen: boolean
}

export interface MultipartUpload {
  readonly uploadId: string
  readonly key: string
  readonly plan: ChecksumPlan
  readonly encryption: ObjectEncryption
}

/** A part as it is stored. */
export interface StoredPart {
  readonly number: number
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedAt: Date
  readonly checksum: StoredChecksum | undefined
}

/** Source: S3 User Guide, "Multipart upload limits". */
export const MAX_PARTS = 10_000

/** @throws S3Fault `InvalidRequest` */
export function checksumPlan(input: {
  ChecksumAlgorithm?: string | undefined
  ChecksumType?: string | undefined
}): ChecksumPlan {
  const { ChecksumAlgorithm: name, ChecksumType: type } = input
  if (type !== undefined && type !== 'COMPOSITE' && type !== 'FULL_OBJECT') {
    throw new S3Fault('InvalidRequest', 'Value for x-amz-checksum-type header is invalid.')
  }
  if (name === undefined) {
    if (type !== undefined) {
      throw new S3Fault(
        'InvalidRequest',
        'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
      )
    }
    return { algorithm: DEFAULT_ALGORITHM, type: 'FULL_OBJECT', isChosen: false }
  }
  const algorithm = parseChecksumAlgorithm(name)
  const isHash = !algorithm.startsWith('CRC')
  if ((isHash && type === 'FULL_OBJECT') || (algorithm === 'CRC64NVME' && type === 'COMPOSITE')) {
    throw new S3Fault(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    )
  }
  const usual = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE'
  return { algorithm, type: type ?? usual, isChosen: true }
}

/** @throws S3Fault `NoSuchUpload` */
export function getUpload(
  bucket: Bucket,
  input: { Key?: string | undefined; UploadId?: string | undefined },
): MultipartUpload {
  const upload = bucket.uploads.find(input.UploadId ?? '')
  if (!upload || upload.key !== input.Key) throw noSuchUpload(input.UploadId ?? '')
  const { checksumPlan, encryption, customerKey } =
    upload.attributes as unknown as ObjectEncryption & {
      checksumPlan: ChecksumPlan
    }
  const stored = { ...(encryption ? { encryption } : {}), ...(customerKey ? { customerKey } : {}) }
  return { uploadId: upload.uploadId, key: upload.key, plan: checksumPlan, encryption: stored }
}

export function noSuchUpload(uploadId: string): S3Fault {
  return new S3Fault(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    { elements: { UploadId: uploadId } },
  )
}

/** @throws S3Fault `InvalidArgument` */
export function checkPartNumber(number: number | undefined): number {
  if (number !== undefined && Number.isInteger(number) && number >= 1 && number <= MAX_PARTS) {
    return number
  }
  throw new S3Fault(
    'InvalidArgument',
    `Part number must be an integer between 1 and ${MAX_PARTS}, inclusive`,
    { elements: { ArgumentName: 'partNumber', ArgumentValue: `${number}` } },
  )
}

export function listParts(
  bucket: Bucket,
  uploadId: string,
  o: { after: number; limit: number },
): { parts: StoredPart[]; isTruncated: boolean } {
  const { parts, isTruncated } = bucket.uploads.listParts(uploadId, o)
  return {
    isTruncated,
    parts: parts.map(({ attributes, ...part }) => ({
      ...part,
      checksum: attributes.checksum as StoredChecksum | undefined,
    })),
  }
}

/** The checksum of the object that parts make. */
export function checksumOfParts(
  { algorithm, type }: ChecksumPlan,
  parts: readonly StoredPart[],
): StoredChecksum {
  const held = parts.map(({ checksum, sizeBytes }) => ({
    bytes: Buffer.from(checksum?.value ?? '', 'base64'),
    sizeBytes,
  }))
  if (type === 'COMPOSITE') {
    const all = digestOf(algorithm, Buffer.concat(held.map(({ bytes }) => bytes)))
    return { algorithm, type, value: `${all.toString('base64')}-${parts.length}` }
  }
  return { algorithm, type, value: combinedCrc(algorithm, held).toString('base64') }
}
