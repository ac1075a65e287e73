import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Random } from '../../core/random.ts'
import type { PutOptions } from '../../objectstore/put-options.ts'
import { S3Fault } from './faults.ts'

/** A key that a customer sends with each request, to encrypt with or to read. Only a `KeyCheck` of it is ever kept. */
export interface CustomerKey {
  /** 32 bytes. */
  readonly key: Buffer
  /** Base64. */
  readonly md5: string
}

/** By what a key is known again: a salted hash, in hex. */
export interface KeyCheck {
  readonly salt: string
  readonly hash: string
}

/** The members of a request that carry a key. */
interface KeyInput {
  readonly SSECustomerAlgorithm?: string | undefined
  readonly SSECustomerKey?: string | undefined
  readonly SSECustomerKeyMD5?: string | undefined
}

const KEY_BYTES = 32

/**
 * The key that a request brings. All of its three members must be there and fit.
 *
 * Unlike AWS: a connection without TLS is taken for secure, since it does not leave the machine.
 *
 * Source: S3 User Guide, "Using server-side encryption with customer-provided keys (SSE-C)".
 *
 * @throws S3Fault `InvalidArgument`, `InvalidEncryptionAlgorithmError`
 */
export function customerKeyOf(input: KeyInput): CustomerKey | undefined {
  const { SSECustomerAlgorithm: algorithm, SSECustomerKey: text, SSECustomerKeyMD5: md5 } = input
  if (algorithm === undefined && text === undefined && md5 === undefined) return undefined
  const must = 'Requests specifying Server Side Encryption with Customer provided keys must provide'
  if (algorithm === undefined) throw invalid(`${must} a valid encryption algorithm.`)
  if (algorithm !== 'AES256') {
    throw new S3Fault(
      'InvalidEncryptionAlgorithmError',
      'The Encryption request you specified is not valid. Supported value: AES256.',
    )
  }
  if (text === undefined) throw invalid(`${must} an appropriate secret key.`)
  if (md5 === undefined) throw invalid(`${must} the client calculated MD5 of the secret key.`)
  const key = Buffer.from(text, 'base64')
  if (key.length !== KEY_BYTES) {
    throw invalid('The secret key was invalid for the specified algorithm.')
  }
  if (createHash('md5').update(key).digest('base64') !== md5) {
    throw invalid('The calculated MD5 hash of the key did not match the hash that was provided.')
  }
  return { key, md5 }
}

/** The key to the source of a copy. @throws as `customerKeyOf` */
export function copySourceKeyOf(input: {
  readonly CopySourceSSECustomerAlgorithm?: string | undefined
  readonly CopySourceSSECustomerKey?: string | undefined
  readonly CopySourceSSECustomerKeyMD5?: string | undefined
}): CustomerKey | undefined {
  return customerKeyOf({
    SSECustomerAlgorithm: input.CopySourceSSECustomerAlgorithm,
    SSECustomerKey: input.CopySourceSSECustomerKey,
    SSECustomerKeyMD5: input.CopySourceSSECustomerKeyMD5,
  })
}

export function keyCheckOf({ key }: CustomerKey, random: Random): KeyCheck {
  const salt = random.hex(32)
  return { salt, hash: hashOf(key, salt) }
}

/**
 * Makes sure that what was encrypted with a customer's key is read with that key, and nothing else with any.
 *
 * @throws S3Fault `InvalidRequest`; `AccessDenied` for another key
 */
export function checkReadingKey(
  { customerKey: check }: { readonly customerKey?: KeyCheck },
  sent: CustomerKey | undefined,
): void {
  if (check && !sent) {
    throw new S3Fault(
      'InvalidRequest',
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    )
  }
  if (!check && sent) {
    throw new S3Fault(
      'InvalidRequest',
      'The encryption parameters are not applicable to this object.',
    )
  }
  if (check && sent && !isKeyOf(check, sent)) throw new S3Fault('AccessDenied', 'Access Denied')
}

/**
 * Makes sure that a part is encrypted as its upload was begun.
 *
 * @throws S3Fault `InvalidRequest`
 */
export function checkPartKey(
  { customerKey: check }: { readonly customerKey?: KeyCheck },
  sent: CustomerKey | undefined,
): void {
  if (check && !sent) {
    throw new S3Fault(
      'InvalidRequest',
      'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.',
    )
  }
  if (!check && sent) {
    throw new S3Fault(
      'InvalidRequest',
      'The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.',
    )
  }
  if (check && sent && !isKeyOf(check, sent)) {
    throw new S3Fault(
      'InvalidRequest',
      'The provided encryption parameters did not match the ones used originally.',
    )
  }
}

/** How the engine encrypts: with the customer's key, or its own. The entity tag then tells nothing of the content. */
export function sealing(
  sent: CustomerKey | undefined,
): Pick<PutOptions, 'encrypt' | 'sealWith' | 'etagOf'> {
  if (!sent) return { encrypt: true }
  const { key } = sent
  const etagOf = (md5: string) => createHmac('md5', key).update(md5).digest('hex')
  return { encrypt: true, sealWith: key, etagOf }
}

/** The members of an answer about what is encrypted with a customer's key. */
export function customerKeyMembers(sent: CustomerKey | undefined): {
  SSECustomerAlgorithm?: string
  SSECustomerKeyMD5?: string
} {
  return sent ? { SSECustomerAlgorithm: 'AES256', SSECustomerKeyMD5: sent.md5 } : {}
}

function isKeyOf({ salt, hash }: KeyCheck, { key }: CustomerKey): boolean {
  return timingSafeEqual(Buffer.from(hashOf(key, salt), 'hex'), Buffer.from(hash, 'hex'))
}

function hashOf(key: Buffer, salt: string): string {
  return createHmac('sha256', key).update(salt).digest('hex')
}

function invalid(message: string): S3Fault {
  return new S3Fault('InvalidArgument', message)
}
