import { join } from 'node:path'
import { LifeboatError } from '../../core/errors.ts'
import { readIfThere, writeDurably } from '../storage/durable-file.ts'
import { decodeFrame, encodeFrame, isFrameIntact, sliceFrame } from '../storage/frame.ts'

/** The small files of an archive: each one frame, bound to its name. */
export class ArchiveNotes {
  constructor(
    private readonly folder: string,
    private readonly key: Buffer | undefined,
  ) {}

  /** Durable when it returns. */
  async write(name: string, value: unknown): Promise<void> {
    const text = Buffer.from(JSON.stringify(value))
    const frame = encodeFrame(text, { compress: false, key: this.key, place: name })
    await writeDurably(join(this.folder, name), frame)
  }

  /** What was written, or undefined when nothing was. @throws LifeboatError `VaultDamaged`, `VaultKeyWrong` */
  async read(name: string): Promise<unknown> {
    const path = join(this.folder, name)
    const bytes = await readIfThere(path)
    if (!bytes) return undefined
    const frame = sliceFrame(bytes, 0)
    if (frame && frame.length === bytes.length && isFrameIntact(frame, name)) {
      return parsed(decodeFrame(frame, this.key).toString(), this.folder)
    }
    throw new LifeboatError('VaultDamaged', `'${path}' is damaged at offset 0`, {
      hint: 'Take a new base backup into another folder.',
    })
  }

  /** Damage of what can be done without is left for `verify` to tell. */
  async readUnlessDamaged(name: string): Promise<unknown> {
    try {
      return await this.read(name)
    } catch (error) {
      if (!(error instanceof LifeboatError) || error.code !== 'VaultDamaged') throw error
      return undefined
    }
  }
}

/** The checksum was right: what is no JSON is encrypted, and no key was given. */
function parsed(text: string, folder: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new LifeboatError('VaultKeyWrong', `the write-ahead log in '${folder}' is encrypted`, {
      hint: 'Use the key that the archive was begun with.',
    })
  }
}
