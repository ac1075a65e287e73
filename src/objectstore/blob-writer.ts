import { createHash } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, type DigestName, newDigest } from './digest.ts'
import { FRAME_BYTES, sealFrame } from './sealed-frames.ts'

/** What was received of a body: its length, its MD5 in hex and the digests that were asked for. */
export interface Received {
  readonly sizeBytes: number
  readonly md5: string
  readonly digests: Readonly<Record<string, Buffer>>
}

/** Bodies up to this length are kept in the index itself: one sync for both. */
const INLINE_BYTES = 16 << 10
/** Bytes are gathered to so much before they are written. */
const WRITE_BYTES = 4 * FRAME_BYTES
/** Synced now and then, so that the end of a huge body does not keep its sender waiting for minutes. */
const SYNC_EVERY_BYTES = 256 << 20

/**
 * Takes a body as it comes, measures it, and stores it: in memory while it is short, else in a file. Nothing refers to it
 * yet; whoever fails removes it with `discard`.
 */
export class BlobWriter {
  #pending: Buffer[] = []
  #pendingBytes = 0
  #frames = 0
  #unsyncedBytes = 0
  #file: FileHandle | undefined
  #sizeBytes = 0
  readonly #md5 = createHash('md5')
  readonly #digests: readonly (readonly [DigestName, Digest])[]

  constructor(
    readonly id: string,
    private readonly folder: string,
    private readonly key: Buffer | undefined,
    digests: readonly DigestName[] = [],
  ) {
    this.#digests = digests.map((name) => [name, newDigest(name)] as const)
  }

  async write(body: AsyncIterable<Buffer> | Buffer): Promise<void> {
    if (Buffer.isBuffer(body)) await this.#take(body)
    else for await (const bytes of body) await this.#take(bytes)
  }

  /** Makes it durable; returns the bytes when they are few enough for the index. */
  async end(): Promise<{ received: Received; inline: Buffer | undefined }> {
    const received: Received = {
      sizeBytes: this.#sizeBytes,
      md5: this.#md5.digest('hex'),
      digests: Object.fromEntries(
        this.#digests.map(([name, digest]) => [name, digest.digest()] as const),
      ),
    }
    if (!this.#file) return { received, inline: this.#sealed(Buffer.concat(this.#pending)) }
    await this.#flush(this.#pendingBytes)
    await this.#file.sync()
    await this.#file.close()
    return { received, inline: undefined }
  }

  async discard(): Promise<void> {
    if (!this.#file) return
    await this.#file.close()
    await rm(this.#path, { force: true })
  }

  get #path(): string {
    return join(this.folder, this.id)
  }

  async #take(bytes: Buffer): Promise<void> {
    this.#sizeBytes += bytes.length
    this.#md5.update(bytes)
    for (const [, digest] of this.#digests) digest.update(bytes)
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    if (!this.#file && this.#sizeBytes > INLINE_BYTES) {
      this.#file = await open(this.#path, 'wx', 0o600)
    }
    if (this.#pendingBytes < WRITE_BYTES) return
    await this.#flush(this.#pendingBytes - (this.#pendingBytes % FRAME_BYTES))
  }

  /** Writes so many of the pending bytes; all but the last time a whole number of frames. */
  async #flush(length: number): Promise<void> {
    if (length === 0) return
    const pending = Buffer.concat(this.#pending)
    // `writeFile` goes on where a disk took only a part.
    await this.#file!.writeFile(this.#sealed(pending.subarray(0, length)))
    this.#unsyncedBytes += length
    if (this.#unsyncedBytes >= SYNC_EVERY_BYTES) {
      await this.#file!.datasync()
      this.#unsyncedBytes = 0
    }
    const rest = pending.subarray(length)
    this.#pending = rest.length > 0 ? [rest] : []
    this.#pendingBytes = rest.length
  }

  #sealed(bytes: Buffer): Buffer {
    const { key } = this
    if (!key) return bytes
    const frames: Buffer[] = []
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
      frames.push(sealFrame(bytes.subarray(at, at + FRAME_BYTES), key, this.#frames++))
    }
    return Buffer.concat(frames)
  }
}
