import { encodeFrame } from '../storage/frame.ts'
import { damaged, nameOf, PackReader } from './pack-reader.ts'
import { PackWriter } from './pack-writer.ts'
import type { RepackItem, RepackResult, RepackSession } from './worker-messages.ts'

const FRAME_BYTES = 256 << 10

/** A worker's half of a compaction: copies the pieces that are still needed into frames of a new pack. */
export class RepackWork {
  readonly #packs: PackReader
  readonly #frame = Buffer.allocUnsafe(FRAME_BYTES)
  #used = 0
  #result: { frames: RepackResult['frames'][number][]; moved: RepackResult['moved'][number][] } = {
    frames: [],
    moved: [],
  }

  private constructor(
    private readonly session: RepackSession,
    private readonly pack: PackWriter,
  ) {
    this.#packs = new PackReader(session.packFolder, session.key)
  }

  static async begin(session: RepackSession): Promise<RepackWork> {
    return new RepackWork(session, await PackWriter.create(session.packPath))
  }

  /** @throws LifeboatError `VaultDamaged`: damage is never copied under a fresh checksum */
  async do(items: readonly RepackItem[]): Promise<RepackResult> {
    this.#result = { frames: [], moved: [] }
    for await (const [item, content] of this.#packs.read(items)) {
      if (!Buffer.isBuffer(content)) throw damaged(content)
      for (const [at, length] of item.pieces) await this.#take(content.subarray(at, at + length))
    }
    await this.#endFrame()
    return this.#result
  }

  /** Makes the new pack durable and returns its size. */
  async end(): Promise<number> {
    await this.#packs.close()
    return this.pack.close()
  }

  async #take(piece: Buffer): Promise<void> {
    if (this.#used + piece.length > FRAME_BYTES) await this.#endFrame()
    this.#result.moved.push([this.#result.frames.length, this.#used])
    this.#used += piece.copy(this.#frame, this.#used)
  }

  async #endFrame(): Promise<void> {
    if (this.#used === 0) return
    const offset = this.pack.position
    const raw = this.#frame.subarray(0, this.#used)
    const place = nameOf({ pack: this.session.packName, offset })
    const frame = encodeFrame(raw, { compress: true, key: this.session.key, place })
    await this.pack.append(frame)
    this.#result.frames.push({ offset, length: frame.length, rawLength: raw.length })
    this.#used = 0
  }
}
