import { join } from 'node:path'
import { isFrameIntact } from '../storage/frame.ts'
import { readFrames } from '../storage/frame-file.ts'
import { nameOf, PackReader } from './pack-reader.ts'
import type { CheckItem, CheckResult, CheckSession, VaultFault } from './worker-messages.ts'

/** A worker's half of a verification: reads frames and what lies between them, and tells what is not as it was written. */
export class CheckWork {
  readonly #packs: PackReader

  constructor(private readonly session: CheckSession) {
    this.#packs = new PackReader(session.packFolder, session.key)
  }

  async do(items: readonly CheckItem[]): Promise<CheckResult> {
    const faults: VaultFault[] = []
    for await (const [, content] of this.#packs.read(items.filter((item) => item.isNeeded))) {
      if (!Buffer.isBuffer(content)) faults.push(content)
    }
    for (const item of items) if (!item.isNeeded) faults.push(...(await this.#checkRow(item)))
    return { faults }
  }

  async end(): Promise<number> {
    await this.#packs.close()
    return 0
  }

  /** A row of frames that no backup needs: each tells where the next one begins. */
  async #checkRow({ pack, offset: from, length }: CheckItem): Promise<VaultFault[]> {
    const file = join(this.session.packFolder, pack)
    for await (const { offset, bytes } of readFrames(file, { from, to: from + length })) {
      if (bytes && isFrameIntact(bytes, nameOf({ pack, offset }))) continue
      const reason = bytes ? 'its checksum does not match' : 'the file ends before it'
      return [{ file, offset, reason: `${reason} (no backup needs it)` }]
    }
    return []
  }
}
