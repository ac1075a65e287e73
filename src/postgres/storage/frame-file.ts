import { type FileHandle, open } from 'node:fs/promises'
import { FRAME_HEADER_BYTES, frameLength } from './frame.ts'

const READ_BYTES = 2 << 20

/** A frame in a file; `bytes` is undefined when the file ends before it does. */
export interface FoundFrame {
  readonly offset: number
  readonly bytes: Buffer | undefined
}

/**
 * The frames that lie one after the other from `from` to `to` in a file. What a length says is believed, nothing else is:
 * the caller checks each frame before it goes on.
 */
export async function* readFrames(
  path: string,
  { from = 0, to = Number.POSITIVE_INFINITY }: { from?: number; to?: number } = {},
): AsyncGenerator<FoundFrame> {
  const file = await open(path, 'r')
  try {
    const end = Math.min((await file.stat()).size, to)
    let offset = from
    let bytes: Buffer = Buffer.alloc(0)
    const have = async (length: number) => {
      if (bytes.length < length) {
        const wanted = Math.min(Math.max(length, READ_BYTES), end - offset)
        bytes = await readAt(file, offset, wanted)
      }
      return bytes.length >= length
    }
    while (offset < end) {
      const isWhole =
        (await have(FRAME_HEADER_BYTES)) &&
        frameLength(bytes) <= end - offset &&
        (await have(frameLength(bytes)))
      if (!isWhole) {
        yield { offset, bytes: undefined }
        return
      }
      const length = frameLength(bytes)
      yield { offset, bytes: bytes.subarray(0, length) }
      bytes = bytes.subarray(length)
      offset += length
    }
  } finally {
    await file.close()
  }
}

/** As many of the bytes as there are. */
export async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}
