import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError } from '../../core/errors.ts'
import { decodeFrame, isFrameIntact, sliceFrame } from '../storage/frame.ts'
import { readAt } from '../storage/frame-file.ts'
import type { VaultFault } from './worker-messages.ts'

/** Frames that lie close to each other are read together. */
const READ_BYTES = 4 << 20

/** Where a frame lies. */
export interface FramePlace {
  readonly pack: string
  readonly offset: number
  readonly length: number
}

/** Reads frames of packs, each checked before any of it is used. */
export class PackReader {
  readonly #packs = new Map<string, FileHandle | undefined>()

  constructor(
    private readonly folder: string,
    private readonly key: Buffer | undefined,
  ) {}

  /**
   * Each frame's content in the order asked for, which should be the order in which they lie, or what is wrong with it.
   *
   * @throws LifeboatError `VaultKeyWrong`
   */
  async *read<Place extends FramePlace>(
    places: readonly Place[],
  ): AsyncGenerator<readonly [Place, Buffer | VaultFault]> {
    for (let first = 0; first < places.length; ) {
      let last = first
      const { pack, offset: start } = places[first]!
      while (isNear(places[last + 1], pack, start)) last++
      const end = places[last]!.offset + places[last]!.length
      const file = await this.#open(pack)
      const bytes = file ? await readAt(file, start, end - start) : Buffer.alloc(0)
      for (const place of places.slice(first, last + 1)) {
        yield [place, this.#decode(place, bytes.subarray(place.offset - start))]
      }
      first = last + 1
    }
  }

  async close(): Promise<void> {
    for (const file of this.#packs.values()) await file?.close()
  }

  #decode(place: FramePlace, bytes: Buffer): Buffer | VaultFault {
    const frame = bytes.length > 0 ? sliceFrame(bytes, 0) : undefined
    const isSound = frame?.length === place.length && isFrameIntact(frame, nameOf(place))
    if (isSound) return decodeFrame(frame, this.key)
    const { pack, offset } = place
    const reason =
      bytes.length < place.length ? 'the file ends before it' : 'its checksum does not match'
    return { file: join(this.folder, pack), offset, reason }
  }

  async #open(name: string): Promise<FileHandle | undefined> {
    if (this.#packs.has(name)) return this.#packs.get(name)
    const file = await openIfThere(join(this.folder, name))
    this.#packs.set(name, file)
    return file
  }
}

/** What a frame's checksum binds it to. */
export function nameOf({ pack, offset }: Pick<FramePlace, 'pack' | 'offset'>): string {
  return `${pack}:${offset}`
}

/** The order in which frames lie on disk. */
export function byPlace(a: FramePlace, b: FramePlace): number {
  return a.pack === b.pack ? a.offset - b.offset : a.pack < b.pack ? -1 : 1
}

/** The refusal to use what is damaged; `faultOf` finds the fault in it again. */
export function damaged(fault: VaultFault): LifeboatError {
  const { file, offset, reason } = fault
  return new LifeboatError('VaultDamaged', `'${file}' is damaged at offset ${offset}: ${reason}`, {
    hint: "Restore from another backup; 'lifeboat backup verify' tells which are sound.",
    cause: fault,
  })
}

export function faultOf(error: LifeboatError, file: string): VaultFault {
  const fault = error.cause as VaultFault | undefined
  return fault?.file === undefined ? { file, offset: 0, reason: error.message } : fault
}

function isNear(next: FramePlace | undefined, pack: string, start: number): boolean {
  return next !== undefined && next.pack === pack && next.offset + next.length - start <= READ_BYTES
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
