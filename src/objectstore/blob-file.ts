import type { FileHandle } from 'node:fs/promises'
import { LifeboatError } from '../core/errors.ts'
import type { BlobReference } from './object-version.ts'
import { FRAME_BYTES, openFrame, sealedBytes } from './sealed-frames.ts'

const READ_BYTES = 16 * FRAME_BYTES

/** Bytes of a blob from `from` up to, not including, `to`. */
export interface BlobRange {
  readonly blob: BlobReference
  readonly from: number
  readonly to: number
}

/**
 * Reads a part of a blob's file, piece by piece, opened with its key when it is encrypted; and closes the file.
 *
 * @throws LifeboatError `ObjectDamaged`
 */
export async function* readBlobFile(
  file: FileHandle,
  { blob: { id, sizeBytes }, from, to }: BlobRange,
  key: Buffer | undefined,
): AsyncGenerator<Buffer> {
  try {
    const start = from - (from % FRAME_BYTES)
    const stop = Math.min(Math.ceil(to / FRAME_BYTES) * FRAME_BYTES, sizeBytes)
    for (let at = start; at < stop; at += READ_BYTES) {
      const end = Math.min(at + READ_BYTES, stop)
      const stored = key
        ? { at: sealedBytes(at), length: sealedBytes(end) - sealedBytes(at) }
        : { at, length: end - at }
      const bytes = await readExactly(file, stored.at, stored.length, id)
      const plain = key ? openFrames(bytes, key, at / FRAME_BYTES) : bytes
      yield plain.subarray(Math.max(from - at, 0), Math.min(to, end) - at)
    }
  } finally {
    await file.close()
  }
}

function openFrames(bytes: Buffer, key: Buffer, firstFrame: number): Buffer {
  const step = sealedBytes(FRAME_BYTES)
  const frames: Buffer[] = []
  for (let at = 0; at < bytes.length; at += step) {
    frames.push(openFrame(bytes.subarray(at, at + step), key, firstFrame + at / step))
  }
  return Buffer.concat(frames)
}

async function readExactly(
  file: FileHandle,
  position: number,
  length: number,
  id: string,
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) throw damaged(id)
    done += bytesRead
  }
  return bytes
}

export function damaged(id: string): LifeboatError {
  return new LifeboatError(
    'ObjectDamaged',
    `the bytes of an object, '${id}', are missing or cut off`,
    {
      hint: 'Restore it from another version or from its replica.',
    },
  )
}
