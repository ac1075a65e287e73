import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Random } from '../core/random.ts'
import { type BlobRange, damaged, readBlobFile } from './blob-file.ts'
import { BlobWriter, type Received } from './blob-writer.ts'
import type { DigestName } from './digest.ts'
import { diskFull } from './group-commit.ts'
import type { IndexDatabase } from './index-database.ts'
import type { BlobReference } from './object-version.ts'
import { newBlobKey, openFrame, openKey, sealKey } from './sealed-frames.ts'
import { syncFolder } from './sync-folder.ts'

/** A body that is stored and that nothing refers to yet. */
export interface StoredBody extends Received {
  readonly blob: BlobReference
  readonly inline: Buffer | undefined
}

const COLLECTED_AT_ONCE = 64

/**
 * The bytes of objects: short ones in the index, others each in a file of its own, named by chance.
 *
 * A new file lies in `incoming` until its entry in the index is durable (I3), and moves to its place after that. So a crash
 * leaves nothing to look for but in `incoming`, however many objects there are.
 */
export class BlobStore {
  readonly #incoming: string
  #collecting: Promise<void> | undefined
  /** How many read a blob now. */
  readonly #readers = new Map<string, number>()

  private constructor(
    private readonly folder: string,
    private readonly index: IndexDatabase,
    private readonly storeKey: Buffer,
    private readonly random: Random,
  ) {
    this.#incoming = join(folder, 'incoming')
  }

  static async open(o: {
    folder: string
    index: IndexDatabase
    storeKey: Buffer
    random: Random
  }): Promise<BlobStore> {
    const store = new BlobStore(o.folder, o.index, o.storeKey, o.random)
    await mkdir(store.#incoming, { recursive: true, mode: 0o700 })
    await syncFolder(o.folder)
    await syncFolder(dirname(o.folder))
    await store.#settleLeftovers()
    return store
  }

  /** Stores a body; durable when it resolves. Refer to it with `hold`, or `discard` it. */
  async store(
    body: AsyncIterable<Buffer> | Buffer,
    o: {
      encrypt: boolean
      sealWith?: Buffer | undefined
      digests?: readonly DigestName[] | undefined
    },
  ): Promise<StoredBody> {
    const key = o.encrypt || o.sealWith ? newBlobKey() : undefined
    const writer = new BlobWriter(this.random.hex(32), this.#incoming, key, o.digests)
    try {
      await writer.write(body)
      const { received, inline } = await writer.end()
      if (!inline) await syncFolder(this.#incoming)
      const sealedKey = key && { sealedKey: sealKey(key, o.sealWith ?? this.storeKey) }
      const blob = { id: writer.id, sizeBytes: received.sizeBytes, ...sealedKey }
      return { ...received, blob, inline }
    } catch (error) {
      await writer.discard()
      throw named(error, this.folder)
    }
  }

  /** Removes a body that nothing came to refer to. */
  async discard({ blob, inline }: StoredBody): Promise<void> {
    // What failed may have been done after the change was durable.
    if (inline || this.index.blobs.doesExist(blob.id)) return
    await rm(join(this.#incoming, blob.id), { force: true })
  }

  /** Within a change of the index: one more refers to the blob. */
  hold({ id }: BlobReference, inline?: Buffer): void {
    const known = this.index.blobs.get(id)
    const holders = (known?.holders ?? 0) + 1
    const bytes = known?.bytes ?? inline
    this.index.blobs.put(id, bytes ? { holders, bytes } : { holders })
  }

  /** Within a change of the index: one less refers to the blob. */
  release({ id }: BlobReference): void {
    const known = this.index.blobs.get(id)
    if (!known) return
    if (known.holders > 1) {
      this.index.blobs.put(id, { ...known, holders: known.holders - 1 })
      return
    }
    this.index.blobs.remove(id)
    if (!known.bytes) this.index.garbage.put(id, true)
  }

  /** After the change is durable: gives a file its place. */
  async settle({ blob, inline }: StoredBody): Promise<void> {
    if (inline) return
    const path = this.#placeOf(blob.id)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await rename(join(this.#incoming, blob.id), path).catch(ifMissing)
    // Somebody was quick to delete it.
    if (!this.index.blobs.doesExist(blob.id)) await rm(path, { force: true })
  }

  /** After a change is durable: deletes the files that nothing refers to and that nobody reads. */
  async collect(): Promise<void> {
    if (this.#garbage().length === 0) return
    this.#collecting ??= this.#collectAll().finally(() => {
      this.#collecting = undefined
    })
    await this.#collecting
  }

  /**
   * The bytes of some blobs, each from `from` up to `to`. They stay as they are now until the iteration ends, whatever is
   * deleted meanwhile; so begin and end it.
   *
   * @param sealedWith  the key that they were stored with, unless it is the store's
   * @throws LifeboatError `ObjectDamaged`
   */
  read(ranges: readonly BlobRange[], sealedWith = this.storeKey): AsyncGenerator<Buffer> {
    const held = ranges.map((range) => {
      const { id } = range.blob
      this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1)
      return { ...range, inline: this.index.blobs.get(id)?.bytes }
    })
    return this.#readHeld(held, sealedWith)
  }

  async *#readHeld(
    held: readonly (BlobRange & { inline: Buffer | undefined })[],
    sealedWith: Buffer,
  ): AsyncGenerator<Buffer> {
    try {
      for (const { blob, from, to, inline } of held) {
        const key = blob.sealedKey && openKey(blob.sealedKey, sealedWith)
        if (from >= to) continue
        if (inline) yield (key ? openFrame(inline, key, 0) : inline).subarray(from, to)
        else yield* readBlobFile(await this.#openFile(blob.id), { blob, from, to }, key)
      }
    } finally {
      for (const { blob } of held) {
        const others = this.#readers.get(blob.id)! - 1
        if (others > 0) this.#readers.set(blob.id, others)
        else this.#readers.delete(blob.id)
      }
    }
  }

  async #collectAll(): Promise<void> {
    for (let ids = this.#garbage(); ids.length > 0; ids = this.#garbage()) {
      await Promise.all(
        ids.flatMap((id) => [
          rm(this.#placeOf(id), { force: true }),
          rm(join(this.#incoming, id), { force: true }),
        ]),
      )
      await this.index.change(
        () => {
          for (const id of ids) this.index.garbage.remove(id)
        },
        { frees: true },
      )
    }
  }

  #garbage(): string[] {
    const ids: string[] = []
    for (const id of this.index.garbage.getKeys()) {
      if (!this.#readers.has(id)) ids.push(id)
      if (ids.length === COLLECTED_AT_ONCE) break
    }
    return ids
  }

  async #openFile(id: string) {
    for (const path of [this.#placeOf(id), join(this.#incoming, id), this.#placeOf(id)]) {
      try {
        return await open(path, 'r')
      } catch (error) {
        ifMissing(error as NodeJS.ErrnoException)
      }
    }
    throw damaged(id)
  }

  /** What a crash left: files whose entry is durable get their place, others are removed. */
  async #settleLeftovers(): Promise<void> {
    for (const id of await readdir(this.#incoming)) {
      const path = join(this.#incoming, id)
      if (!this.index.blobs.doesExist(id)) await rm(path)
      else {
        await mkdir(dirname(this.#placeOf(id)), { recursive: true, mode: 0o700 })
        await rename(path, this.#placeOf(id))
      }
    }
    await this.collect()
  }

  #placeOf(id: string): string {
    return join(this.folder, id.slice(0, 2), id)
  }
}

function named(error: unknown, folder: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT' ? diskFull(folder, error) : error
}

function ifMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
