import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { KmsFault } from '../protocol/models/kms.ts'
import { contextBytes, type EncryptionContext } from './encryption-context.ts'

const FORMAT = 1
const ID_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + ID_BYTES
const UUID = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/

/**
 * A ciphertext names the key that it was made with, as AWS's does:
 *
 *     format  1 byte · key id 16 bytes · nonce 12 bytes · AES-256-GCM ciphertext · tag 16 bytes
 *
 * Format, key id and encryption context are authenticated with it.
 */
export function encrypt(
  plaintext: Uint8Array,
  key: { id: string; material: Buffer },
  context: EncryptionContext | undefined,
): Buffer {
  const id = Buffer.from(key.id.replaceAll('-', ''), 'hex')
  const head = Buffer.concat([Buffer.from([FORMAT]), id])
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key.material, nonce)
  cipher.setAAD(Buffer.concat([head, contextBytes(context)]))
  const sealed = Buffer.concat([cipher.update(plaintext), cipher.final()])
  return Buffer.concat([head, nonce, sealed, cipher.getAuthTag()])
}

/** The id of the key that a ciphertext was made with. @throws KmsFault `InvalidCiphertextException` */
export function keyIdOf(ciphertext: Uint8Array): string {
  const bytes = Buffer.from(ciphertext)
  if (bytes.length < HEAD_BYTES + NONCE_BYTES + TAG_BYTES || bytes[0] !== FORMAT) throw invalid()
  return bytes.toString('hex', 1, HEAD_BYTES).replace(UUID, '$1-$2-$3-$4-$5')
}

/** The inverse of `encrypt`. @throws KmsFault `InvalidCiphertextException` when a bit or the context differs */
export function decrypt(
  ciphertext: Uint8Array,
  material: Buffer,
  context: EncryptionContext | undefined,
): Buffer {
  const bytes = Buffer.from(ciphertext)
  const head = bytes.subarray(0, HEAD_BYTES)
  const nonce = bytes.subarray(HEAD_BYTES, HEAD_BYTES + NONCE_BYTES)
  const end = bytes.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', material, nonce)
  decipher.setAAD(Buffer.concat([head, contextBytes(context)])).setAuthTag(bytes.subarray(end))
  const opened = decipher.update(bytes.subarray(HEAD_BYTES + NONCE_BYTES, end))
  try {
    return Buffer.concat([opened, decipher.final()])
  } catch (cause) {
    throw Object.assign(invalid(), { cause })
  }
}

/** AWS says no more, also when it is the context that differs. */
function invalid(): KmsFault {
  return new KmsFault('InvalidCiphertextException', 'The ciphertext is not valid.')
}
