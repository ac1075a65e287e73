import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../storage/durable-file.ts'
import { ENCRYPTION_BYTES } from '../storage/frame.ts'
import type { Progress } from './back-up.ts'
import type { FrameEntry, Manifest } from './manifest.ts'
import { checkedPackName } from './pack-frames.ts'
import { offsetsOf, receivePack } from './receive-pack.ts'

/** How the file of a pack ends that has not arrived whole. */
export const ARRIVING = '.arriving'

interface Here {
  readonly folder: string
  readonly key: Buffer | undefined
  readonly isEncryptedThere: boolean
  readonly packs: ReadonlySet<string>
}

/** Receives the packs of a backup that are not here; all of them are durable under their names when it returns. */
export async function receivePacks({
  folder,
  key,
  isEncryptedThere,
  packs,
  sent,
  frames,
  onProgress,
}: Here & {
  sent: Manifest
  frames: (pack: string, from: number) => AsyncIterable<Buffer>
  onProgress: ((progress: Progress) => void) | undefined
}): Promise<void> {
  const present = new Set(await readdir(folder))
  const missing = [...packs].map(checkedPackName).filter((pack) => !present.has(pack))
  const totalBytes = sent.frames
    .filter(({ pack }) => missing.includes(pack))
    .reduce((sum, { length }) => sum + length, 0)
  let doneBytes = 0
  for (const pack of missing) {
    await receivePack({
      pack,
      path: join(folder, pack + ARRIVING),
      key,
      isEncryptedThere,
      frames: (from) => frames(pack, from),
      onBytes: (bytes) => {
        // A pack may hold more than this backup needs.
        doneBytes = Math.min(doneBytes + bytes, totalBytes)
        onProgress?.({ doneBytes, totalBytes })
      },
    })
  }
  for (const pack of missing) await rename(join(folder, pack + ARRIVING), join(folder, pack))
  for (const name of present) {
    // What was begun for a backup that is not wanted any more.
    const isLeft = name.endsWith(ARRIVING) && !missing.includes(name.slice(0, -ARRIVING.length))
    if (isLeft) await rm(join(folder, name), { force: true })
  }
  await syncFolder(folder)
}

/** The manifest as it is to be kept here: encryption makes frames longer, so that they lie elsewhere. */
export async function asStoredHere(
  sent: Manifest,
  { folder, key, isEncryptedThere, packs }: Here,
): Promise<Manifest> {
  const backup = { ...sent.backup, encrypted: key !== undefined }
  const more = (key ? ENCRYPTION_BYTES : 0) - (isEncryptedThere ? ENCRYPTION_BYTES : 0)
  if (more === 0) return { ...sent, backup }
  const offsetsByPack = new Map<string, ReadonlyMap<number, number>>()
  for (const pack of packs) {
    const path = join(folder, pack)
    const offsets = await offsetsOf({ pack, path, key, isEncryptedThere })
    offsetsByPack.set(pack, new Map(offsets.map(({ here, there }) => [there, here])))
  }
  const moved = ({ pack, offset, length, rawLength }: FrameEntry): FrameEntry => ({
    pack,
    offset: offsetsByPack.get(pack)!.get(offset)!,
    length: length + more,
    rawLength,
  })
  return { ...sent, backup, frames: sent.frames.map(moved) }
}
