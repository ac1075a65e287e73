import type { Random } from '../../core/random.ts'
import type { Bucket } from '../../objectstore/bucket.ts'
import type { ServerSideEncryptionConfiguration } from '../protocol/models/s3.ts'
import { type CustomerKey, customerKeyOf, type KeyCheck, keyCheckOf } from './customer-key.ts'
import { S3Fault } from './faults.ts'

/** How an object is encrypted, beside the usual way. */
export interface ObjectEncryption {
  /** With a key of KMS. */
  readonly encryption?: {
    readonly algorithm: string
    readonly keyId?: string
    readonly hasBucketKey?: true
  }
  /** With a key that only the customer has. */
  readonly customerKey?: KeyCheck
}

/** The members by which a request asks for an encryption. */
export interface EncryptionInput {
  readonly ServerSideEncryption?: string | undefined
  readonly SSEKMSKeyId?: string | undefined
  readonly BucketKeyEnabled?: boolean | undefined
  readonly SSECustomerAlgorithm?: string | undefined
  readonly SSECustomerKey?: string | undefined
  readonly SSECustomerKeyMD5?: string | undefined
}

/**
 * How a new object is encrypted: as the request asks, else as the bucket does by default.
 *
 * Unlike AWS: there are no KMS keys; what asks for one is encrypted with the region's own. And new buckets take keys of customers
 * until their configuration blocks those.
 *
 * @throws S3Fault `InvalidArgument`, `InvalidEncryptionAlgorithmError`; `AccessDenied` where keys of customers are blocked
 */
export function encryptionOf(
  bucket: Bucket,
  input: EncryptionInput,
  random: Random,
): { stored: ObjectEncryption; customerKey: CustomerKey | undefined } {
  const customerKey = customerKeyOf(input)
  const { ServerSideEncryption: algorithm, SSEKMSKeyId: keyId } = input
  if (customerKey && algorithm !== undefined) {
    throw invalid(
      'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
      algorithm,
    )
  }
  if (customerKey) {
    const blocked = defaultRule(bucket)?.BlockedEncryptionTypes?.EncryptionType ?? []
    if (blocked.includes('SSE-C')) throw new S3Fault('AccessDenied', 'Access Denied')
    return { stored: { customerKey: keyCheckOf(customerKey, random) }, customerKey }
  }
  if (keyId !== undefined && !isKms(algorithm)) {
    throw invalid(
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
      algorithm ?? '',
    )
  }
  if (algorithm !== undefined && algorithm !== 'AES256' && !isKms(algorithm)) {
    throw invalid('The encryption method specified is not supported', algorithm)
  }
  const asked = algorithm === undefined ? defaultOf(bucket) : { algorithm, keyId }
  if (!asked || !isKms(asked.algorithm)) return { stored: {}, customerKey }
  const hasBucketKey = input.BucketKeyEnabled ?? defaultRule(bucket)?.BucketKeyEnabled ?? false
  const encryption = {
    algorithm: asked.algorithm,
    ...(asked.keyId === undefined ? {} : { keyId: asked.keyId }),
    ...(hasBucketKey ? { hasBucketKey: true as const } : {}),
  }
  return { stored: { encryption }, customerKey }
}

/** The members of an answer that tell an encryption by a key of ours or of KMS. */
export function encryptionMembers({ encryption, customerKey }: ObjectEncryption): {
  ServerSideEncryption?: string
  SSEKMSKeyId?: string
  BucketKeyEnabled?: boolean
} {
  if (customerKey) return {}
  const { algorithm = 'AES256', keyId, hasBucketKey } = encryption ?? {}
  return {
    ServerSideEncryption: algorithm,
    ...(keyId === undefined ? {} : { SSEKMSKeyId: keyId }),
    ...(hasBucketKey ? { BucketKeyEnabled: true } : {}),
  }
}

/** @throws S3Fault `InvalidArgument` for a read that names an encryption: what was stored decides */
export function refuseEncryptionHeaders(headers: ReadonlyMap<string, string>): void {
  const name = 'x-amz-server-side-encryption'
  const value = headers.get(name)
  if (value === undefined) return
  throw invalid(`${name} header is not supported for this operation.`, value)
}

function defaultRule(bucket: Bucket) {
  return bucket.setting<ServerSideEncryptionConfiguration>('encryption')?.Rules?.[0]
}

function defaultOf(bucket: Bucket): { algorithm: string; keyId: string | undefined } | undefined {
  const rule = defaultRule(bucket)?.ApplyServerSideEncryptionByDefault
  return rule?.SSEAlgorithm && { algorithm: rule.SSEAlgorithm, keyId: rule.KMSMasterKeyID }
}

function isKms(algorithm: string | undefined): boolean {
  return algorithm === 'aws:kms' || algorithm === 'aws:kms:dsse'
}

function invalid(message: string, value: string): S3Fault {
  return new S3Fault('InvalidArgument', message, {
    elements: { ArgumentName: 'x-amz-server-side-encryption', ArgumentValue: value },
  })
}
