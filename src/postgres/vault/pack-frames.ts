import { join } from 'node:path'
import { LifeboatError } from '../../core/errors.ts'
import { isFrameIntact, reframe } from '../storage/frame.ts'
import { readFrames } from '../storage/frame-file.ts'
import { damaged, nameOf } from './pack-reader.ts'

/**
 * The frames of a pack from a byte on, each checked and without encryption, still bound to its place in this pack.
 *
 * @throws LifeboatError `BackupNotFound` when there is no such pack, `VaultDamaged`
 */
export async function* packFrames(o: {
  folder: string
  pack: string
  from: number
  key: Buffer | undefined
}): AsyncGenerator<Buffer> {
  const path = join(o.folder, checkedPackName(o.pack))
  try {
    for await (const { offset, bytes } of readFrames(path, { from: o.from })) {
      const place = nameOf({ pack: o.pack, offset })
      if (!bytes || !isFrameIntact(bytes, place)) {
        throw damaged({ file: path, offset, reason: 'its checksum does not match' })
      }
      yield reframe(bytes, { from: o.key, key: undefined, place })
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new LifeboatError('BackupNotFound', `there is no pack '${o.pack}' any more`)
  }
}

/** Names of packs come from elsewhere, and become names of files. @throws LifeboatError `VaultDamaged` */
export function checkedPackName(pack: string): string {
  if (/^[0-9A-Za-z-]{1,100}\.pack$/.test(pack)) return pack
  throw new LifeboatError('VaultDamaged', `'${pack}' is not the name of a pack`)
}
