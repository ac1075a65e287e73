import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

const MAX_BYTES = 1024 * 1024

/**
 * A file that holds the last output of a container: it and the one before it, `FILE.1`, have at most 1 MiB each.
 *
 * Where it cannot be written, as on a full disk, the output is lost, and nothing else: `onError` hears of it once.
 */
export class BoundedLog {
  #handle: FileHandle | undefined
  #sizeBytes = 0
  #hasFailed = false
  #last: Promise<void> = Promise.resolve()

  constructor(
    private readonly file: string,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Appends in the order of the calls; resolves when the next may come. */
  async append(chunk: Buffer): Promise<void> {
    this.#last = this.#last.then(() => this.#write(chunk))
    await this.#last
  }

  async close(): Promise<void> {
    await this.#last
    await this.#handle?.close()
    this.#handle = undefined
  }

  async #write(chunk: Buffer): Promise<void> {
    if (this.#hasFailed) return
    try {
      this.#handle ??= await this.#open()
      if (this.#sizeBytes + chunk.length > MAX_BYTES) await this.#rotate()
      await this.#handle.appendFile(chunk)
      this.#sizeBytes += chunk.length
    } catch (error) {
      this.#hasFailed = true
      this.onError(error)
    }
  }

  async #open(): Promise<FileHandle> {
    await mkdir(dirname(this.file), { recursive: true, mode: 0o700 })
    const handle = await open(this.file, 'a', 0o600)
    this.#sizeBytes = (await handle.stat()).size
    return handle
  }

  async #rotate(): Promise<void> {
    await this.#handle?.close()
    await rename(this.file, `${this.file}.1`)
    this.#handle = await this.#open()
  }
}
