import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { compress, decompress } from '@cloudpss/zstd'
import { LifeboatError } from '../../core/errors.ts'

/**
 * A frame is a piece of data with its checksum:
 *
 *     raw length   4 bytes
 *     stored length 4 bytes
 *     SHA-256 of the frame's place and of all that precedes and follows it in the frame, 32 bytes
 *     stored bytes: the raw ones, compressed with zstd if that is shorter, then encrypted if there is a key
 *
 * Encrypted bytes are AES-256-GCM: nonce (12), tag (16), ciphertext. Whether they are compressed shows in
 * the highest bit of the raw length.
 */
export const FRAME_HEADER_BYTES = 40
/** What encryption adds to a frame: a nonce and a tag. */
export const ENCRYPTION_BYTES = 28
const COMPRESSED = 0x8000_0000
const COMPRESSION_LEVEL = 1

/** @param o.into  memory that the frame is put into when it is large enough, so that none is taken for it */
export function encodeFrame(
  raw: Buffer,
  o: { compress: boolean; key: Buffer | undefined; place?: string; into?: Buffer },
): Buffer {
  const compressed = o.compress ? asBuffer(compress(raw, COMPRESSION_LEVEL)) : raw
  const isShorter = compressed.length < raw.length
  const plain = isShorter ? compressed : raw
  return framed((raw.length | (isShorter ? COMPRESSED : 0)) >>> 0, plain, o)
}

/**
 * The same content under another key and in another place, without decompressing it. The caller has checked the frame with
 * `isFrameIntact`.
 *
 * @param o.from  the key that it is encrypted with
 * @throws LifeboatError `VaultKeyWrong`
 */
export function reframe(
  frame: Buffer,
  o: { from: Buffer | undefined; key: Buffer | undefined; place: string },
): Buffer {
  const stored = frame.subarray(FRAME_HEADER_BYTES)
  return framed(frame.readUInt32LE(0), o.from ? decrypt(stored, o.from) : stored, o)
}

function framed(
  head: number,
  plain: Buffer,
  o: { key: Buffer | undefined; place?: string; into?: Buffer },
): Buffer {
  const stored = o.key ? encrypt(plain, o.key) : plain
  const length = FRAME_HEADER_BYTES + stored.length
  const frame =
    o.into && o.into.length >= length ? o.into.subarray(0, length) : Buffer.allocUnsafe(length)
  frame.writeUInt32LE(head, 0)
  frame.writeUInt32LE(stored.length, 4)
  stored.copy(frame, FRAME_HEADER_BYTES)
  checksum(frame, o.place).copy(frame, 8)
  return frame
}

/** The length of the frame that begins with these bytes, if its header is right. */
export function frameLength(bytes: Buffer): number {
  return FRAME_HEADER_BYTES + bytes.readUInt32LE(4)
}

/** The whole frame at `at`, or undefined when the bytes end before it does. */
export function sliceFrame(bytes: Buffer, at: number): Buffer | undefined {
  if (bytes.length - at < FRAME_HEADER_BYTES) return undefined
  const end = at + FRAME_HEADER_BYTES + bytes.readUInt32LE(at + 4)
  return end <= bytes.length ? bytes.subarray(at, end) : undefined
}

/** `place` is what the frame was written for, so that a frame that was moved is found out too. */
export function isFrameIntact(frame: Buffer, place?: string): boolean {
  return checksum(frame, place).equals(frame.subarray(8, FRAME_HEADER_BYTES))
}

/** @throws LifeboatError `VaultKeyWrong`; the caller has checked the frame with `isFrameIntact`. */
export function decodeFrame(frame: Buffer, key: Buffer | undefined): Buffer {
  const head = frame.readUInt32LE(0)
  const stored = frame.subarray(FRAME_HEADER_BYTES)
  const plain = key ? decrypt(stored, key) : stored
  return head & COMPRESSED ? asBuffer(decompress(plain)) : plain
}

function checksum(frame: Buffer, place = ''): Buffer {
  return createHash('sha256')
    .update(place)
    .update(frame.subarray(0, 8))
    .update(frame.subarray(FRAME_HEADER_BYTES))
    .digest()
}

function encrypt(plain: Buffer, key: Buffer): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), encrypted])
}

function decrypt(stored: Buffer, key: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, stored.subarray(0, 12))
  decipher.setAuthTag(stored.subarray(12, 28))
  try {
    return Buffer.concat([decipher.update(stored.subarray(28)), decipher.final()])
  } catch (cause) {
    throw new LifeboatError('VaultKeyWrong', 'the stored backups are encrypted with another key', {
      hint: 'Use the key that the backups were made with.',
      cause,
    })
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
