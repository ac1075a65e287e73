import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError } from '../../core/errors.ts'
import { named } from '../storage/durable-file.ts'
import { decodeFrame, isFrameIntact, sliceFrame } from '../storage/frame.ts'
import type { RestoreItem, RestoreResult, RestoreSession, VaultFault } from './worker-messages.ts'

const OPEN_FILES = 256
/** Frames that lie close to each other are read together. */
const READ_BYTES = 4 << 20

/**
 * A worker's half of a restore: reads frames in the order in which they lie, checks and decodes each, and writes its
 * live parts to where they belong.
 */
export class RestoreWork {
  readonly #packs = new Map<string, FileHandle>()
  readonly #targets = new Map<number, FileHandle>()
  #writtenBytes = 0
  #faults: VaultFault[] = []

  private constructor(private readonly session: RestoreSession) {}

  static async begin(session: RestoreSession): Promise<RestoreWork> {
    return new RestoreWork(session)
  }

  /** @throws LifeboatError `VaultDamaged` naming file and offset, unless it is a dry run, which collects faults */
  async restore(items: readonly RestoreItem[]): Promise<RestoreResult> {
    this.#writtenBytes = 0
    this.#faults = []
    for (let first = 0; first < items.length; ) {
      let last = first
      const { pack, offset } = items[first]!
      while (isNear(items[last + 1], pack, offset)) last++
      await this.#restoreTogether(items.slice(first, last + 1))
      first = last + 1
    }
    return { writtenBytes: this.#writtenBytes, faults: this.#faults }
  }

  async end(): Promise<number> {
    for (const file of [...this.#packs.values(), ...this.#targets.values()]) await file.close()
    return 0
  }

  async #restoreTogether(items: readonly RestoreItem[]): Promise<void> {
    const { pack, offset: start } = items[0]!
    const end = items.at(-1)!.offset + items.at(-1)!.length
    const bytes = Buffer.allocUnsafe(end - start)
    const file = await this.#openPack(pack)
    const { bytesRead } = file ? await file.read(bytes, 0, bytes.length, start) : { bytesRead: 0 }
    for (const item of items) {
      const raw = this.#decode(item, bytes.subarray(item.offset - start, bytesRead))
      if (!raw || this.session.isDryRun) continue
      for (const part of item.parts) await this.#write(part, raw)
    }
  }

  #decode(item: RestoreItem, bytes: Buffer): Buffer | undefined {
    const frame = sliceFrame(bytes, 0)
    if (frame?.length === item.length && isFrameIntact(frame, `${item.pack}:${item.offset}`)) {
      return decodeFrame(frame, this.session.key)
    }
    const file = join(this.session.packFolder, item.pack)
    const reason = frame ? 'its checksum does not match' : 'it ends too early'
    if (this.session.isDryRun) {
      this.#faults.push({ file, offset: item.offset, reason })
      return undefined
    }
    throw new LifeboatError(
      'VaultDamaged',
      `'${file}' is damaged at offset ${item.offset}: ${reason}`,
      {
        hint: "Restore from another backup; 'lifeboat backup verify' tells which are sound.",
      },
    )
  }

  async #write(part: RestoreItem['parts'][number], raw: Buffer): Promise<void> {
    const [file, position, length, at] = part
    const target = await this.#openTarget(file)
    try {
      await target.write(raw, at, length, position)
    } catch (error) {
      throw named(error, join(this.session.into, this.session.paths[file]!))
    }
    this.#writtenBytes += length
  }

  async #openPack(name: string): Promise<FileHandle | undefined> {
    const known = this.#packs.get(name)
    if (known) return known
    try {
      const file = await open(join(this.session.packFolder, name), 'r')
      this.#packs.set(name, file)
      return file
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
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

function isNear(next: RestoreItem | undefined, pack: string, start: number): boolean {
  return next !== undefined && next.pack === pack && next.offset + next.length - start <= READ_BYTES
}
