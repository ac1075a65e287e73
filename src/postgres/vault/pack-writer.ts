import { type FileHandle, open } from 'node:fs/promises'
import { named } from '../storage/durable-file.ts'

const WRITE_BYTES = 2 << 20
const SYNC_EVERY_BYTES = 16 << 20

/**
 * Appends frames to a pack file. Writes are large, and every 16 MiB a sync runs behind, so that the sync at the end has
 * little left to wait for.
 */
export class PackWriter {
  #pending: Buffer[] = []
  #pendingBytes = 0
  #position = 0
  #unsynced = 0
  #syncing: Promise<void> | undefined
  #failure: unknown

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
  ) {}

  static async create(path: string): Promise<PackWriter> {
    return new PackWriter(path, await open(path, 'wx', 0o600))
  }

  /** Where the next frame will begin. */
  get position(): number {
    return this.#position
  }

  async append(frame: Buffer): Promise<void> {
    this.#pending.push(frame)
    this.#pendingBytes += frame.length
    this.#position += frame.length
    if (this.#pendingBytes >= WRITE_BYTES) await this.#flush()
  }

  /** Makes everything durable. Returns the pack's size. */
  async close(): Promise<number> {
    try {
      await this.#flush()
      await this.#synced()
      await this.file.sync()
    } catch (error) {
      throw named(error, this.path)
    } finally {
      await this.file.close()
    }
    return this.#position
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    try {
      await this.file.appendFile(bytes)
    } catch (error) {
      throw named(error, this.path)
    }
    this.#unsynced += bytes.length
    if (this.#unsynced < SYNC_EVERY_BYTES) return
    await this.#synced()
    this.#unsynced = 0
    this.#syncing = this.file.datasync().catch((error: unknown) => {
      this.#failure = error
    })
  }

  /** Waits for the sync that runs behind, whose failure is told to whoever comes next. */
  async #synced(): Promise<void> {
    await this.#syncing
    if (this.#failure !== undefined) throw this.#failure
  }
}
