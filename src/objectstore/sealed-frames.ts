import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { LifeboatError } from '../core/errors.ts'

/**
 * Bytes at rest, encrypted with AES-256-GCM in frames of 64 KiB, so that a range is read without what stands before it.
 *
 * Every blob has a key of its own, so that the number of a frame serves as its nonce; a frame that was moved does not
 * open. Whether a blob was cut off shows in its length, which the index knows.
 */
export const FRAME_BYTES = 64 << 10
const TAG_BYTES = 16
const KEY_BYTES = 32
const NONCE_BYTES = 12

export function newBlobKey(): Buffer {
  return randomBytes(KEY_BYTES)
}

/** How many bytes `sizeBytes` take when they are sealed. */
export function sealedBytes(sizeBytes: number): number {
  return sizeBytes + Math.ceil(sizeBytes / FRAME_BYTES) * TAG_BYTES
}

export function sealFrame(bytes: Buffer, key: Buffer, index: number): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(index))
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
}

/** @throws LifeboatError `ObjectDamaged` */
export function openFrame(sealed: Buffer, key: Buffer, index: number): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(index))
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  try {
    const end = sealed.length - TAG_BYTES
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()])
  } catch (cause) {
    throw new LifeboatError('ObjectDamaged', 'an encrypted object cannot be read', {
      hint: 'Restore it from another version or from its replica.',
      cause,
    })
  }
}

/** A blob's key, encrypted with the store's. */
export function sealKey(blobKey: Buffer, storeKey: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', storeKey, nonce)
  return Buffer.concat([nonce, cipher.update(blobKey), cipher.final(), cipher.getAuthTag()])
}

/** @throws LifeboatError `ObjectDamaged` when it was sealed with another store's key */
export function openKey(sealed: Buffer, storeKey: Buffer): Buffer {
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', storeKey, nonce)
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  try {
    const bytes = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES))
    return Buffer.concat([bytes, decipher.final()])
  } catch (cause) {
    throw new LifeboatError('ObjectDamaged', "an object's key was sealed with another key", {
      hint: 'Start the region with the key that its objects were written with.',
      cause,
    })
  }
}

function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES)
  nonce.writeUIntBE(index, NONCE_BYTES - 6, 6)
  return nonce
}
