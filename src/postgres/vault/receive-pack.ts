import { type FileHandle, open } from 'node:fs/promises'
import { LifeboatError } from '../../core/errors.ts'
import { named } from '../storage/durable-file.ts'
import { ENCRYPTION_BYTES, isFrameIntact, reframe } from '../storage/frame.ts'
import { readFrames } from '../storage/frame-file.ts'
import { framesIn } from '../storage/frame-stream.ts'
import { nameOf } from './pack-reader.ts'

const SYNC_EVERY_BYTES = 16 << 20

/** A pack of another vault, as it is told here. */
export interface ArrivingPack {
  readonly pack: string
  /** Where it grows until it is whole. */
  readonly path: string
  /** Of this vault. */
  readonly key: Buffer | undefined
  /** Whether it is encrypted in the other vault, which makes each frame longer there. */
  readonly isEncryptedThere: boolean
}

/**
 * Receives a pack of another vault, frame by frame, each checked and encrypted with the key of this vault. A pack of which
 * some is here already goes on behind its last whole frame. It is durable when this returns.
 *
 * @param frames   the frames from a byte of the pack in the other vault on, without encryption
 * @param onBytes  told how much more of it is here
 * @throws LifeboatError `VaultDamaged` when a frame is not what was sent, `DiskFull`, and what `frames` throws
 */
export async function receivePack(
  o: ArrivingPack & {
    frames: (from: number) => AsyncIterable<Buffer>
    onBytes: (bytes: number) => void
  },
): Promise<void> {
  const offsets = await offsetsOf(o)
  let { here: at, there } = offsets.at(-1)!
  const file = await open(o.path, 'a', 0o600)
  try {
    await file.truncate(at)
    o.onBytes(at)
    let unsynced = 0
    for await (const frame of framesIn(o.frames(there))) {
      const placeThere = nameOf({ pack: o.pack, offset: there })
      if (!isFrameIntact(frame, placeThere)) throw notWhatWasSent(o.pack, there)
      const place = nameOf({ pack: o.pack, offset: at })
      const own = reframe(frame, { from: undefined, key: o.key, place })
      await append(file, own, o.path)
      at += own.length
      there += frame.length + (o.isEncryptedThere ? ENCRYPTION_BYTES : 0)
      o.onBytes(own.length)
      unsynced += own.length
      if (unsynced < SYNC_EVERY_BYTES) continue
      await file.datasync()
      unsynced = 0
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Where each frame of a pack that is here begins, in both vaults, and last where the next one will. A frame that a crash has
 * torn does not count.
 */
export async function offsetsOf({
  pack,
  path,
  key,
  isEncryptedThere,
}: ArrivingPack): Promise<{ here: number; there: number }[]> {
  const more = (isEncryptedThere ? ENCRYPTION_BYTES : 0) - (key ? ENCRYPTION_BYTES : 0)
  const offsets = [{ here: 0, there: 0 }]
  try {
    for await (const { offset, bytes } of readFrames(path)) {
      if (!bytes || !isFrameIntact(bytes, nameOf({ pack, offset }))) break
      const end = offset + bytes.length
      offsets.push({ here: end, there: end + offsets.length * more })
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return offsets
}

async function append(file: FileHandle, bytes: Buffer, path: string): Promise<void> {
  try {
    await file.appendFile(bytes)
  } catch (error) {
    throw named(error, path)
  }
}

function notWhatWasSent(pack: string, offset: number): LifeboatError {
  return new LifeboatError(
    'VaultDamaged',
    `the frame at ${offset} of '${pack}' did not arrive as it was written`,
    { hint: 'Ask for it again.' },
  )
}
