import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { named } from '../storage/durable-file.ts'
import { damaged, PackReader } from './pack-reader.ts'
import type { RestoreItem, RestoreResult, RestoreSession } from './worker-messages.ts'

const OPEN_FILES = 256

/**
 * A worker's half of a restore: reads frames in the order in which they lie, checks and decodes each, and writes its
 * live parts to where they belong.
 */
export class RestoreWork {
  readonly #packs: PackReader
  readonly #targets = new Map<number, FileHandle>()

  constructor(private readonly session: RestoreSession) {
    this.#packs = new PackReader(session.packFolder, session.key)
  }

  /** @throws LifeboatError `VaultDamaged` naming file and offset, before anything of the damaged frame is written */
  async do(items: readonly RestoreItem[]): Promise<RestoreResult> {
    let writtenBytes = 0
    for await (const [item, content] of this.#packs.read(items)) {
      if (!Buffer.isBuffer(content)) throw damaged(content)
      for (const part of item.parts) writtenBytes += await this.#write(part, content)
    }
    return { writtenBytes }
  }

  async end(): Promise<number> {
    await this.#packs.close()
    for (const file of this.#targets.values()) await file.close()
    return 0
  }

  async #write(part: RestoreItem['parts'][number], raw: Buffer): Promise<number> {
    const [file, position, length, at] = part
    const target = await this.#openTarget(file)
    try {
      await target.write(raw, at, length, position)
    } catch (error) {
      throw named(error, join(this.session.into, this.session.paths[file]!))
    }
    return length
  }

  /** Workers share files, so a file is made by whoever needs it first and never truncated here. */
  async #openTarget(index: number): Promise<FileHandle> {
    const known = this.#targets.get(index)
    if (known) return known
    if (this.#targets.size >= OPEN_FILES) {
      const [oldest, file] = this.#targets.entries().next().value!
      this.#targets.delete(oldest)
      await file.close()
    }
    const path = join(this.session.into, this.session.paths[index]!)
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW
    const file = await open(path, flags, 0o600)
    const { account } = this.session
    if (account) await file.chown(account.uid, account.gid)
    this.#targets.set(index, file)
    return file
  }
}
