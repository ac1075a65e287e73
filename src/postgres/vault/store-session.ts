import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { encodeFrame } from '../storage/frame.ts'
import { PAGE_BYTES } from './extents.ts'
import { PackWriter } from './pack-writer.ts'
import { PAGES_AT_ONCE, PageChecker } from './page-checksum.ts'
import type { StoredFrame, StoreItem, StoreResult, StoreSession } from './worker-messages.ts'

/** How often a page with a bad checksum is read again: a write by the server may have been under way. */
const REREADS = 5
const REREAD_AFTER_MS = 10

/**
 * A worker's half of a backup: reads blocks straight into the checksum module's memory, checks them, and writes them to a
 * pack of its own in frames of 256 KiB.
 */
export class StoreWork {
  readonly #checker = new PageChecker()
  #used = 0
  #runs: [number, number, number, number][] = []
  #frames: StoredFrame[] = []
  #lengths: [number, number][] = []
  #warnings: string[] = []
  #readBytes = 0

  private constructor(
    private readonly session: StoreSession,
    private readonly pack: PackWriter,
  ) {}

  static async begin(session: StoreSession): Promise<StoreWork> {
    return new StoreWork(session, await PackWriter.create(session.packPath))
  }

  async do(items: readonly StoreItem[]): Promise<StoreResult> {
    this.#frames = []
    this.#lengths = []
    this.#warnings = []
    this.#readBytes = 0
    for (const item of items) await this.#storeItem(item)
    await this.#endFrame()
    return {
      frames: this.#frames,
      lengths: this.#lengths,
      warnings: this.#warnings,
      readBytes: this.#readBytes,
    }
  }

  /** Makes the pack durable and returns its size. */
  async end(): Promise<number> {
    return this.pack.close()
  }

  async #storeItem(item: StoreItem): Promise<void> {
    const file = item.bytes
      ? new BytesInHand(item.bytes, item.firstBlock * PAGE_BYTES)
      : await openIfThere(join(this.session.dataDirectory, item.path))
    if (!file) {
      this.#lengths.push([item.file, -1])
      return
    }
    try {
      const end = item.firstBlock + item.blockCount
      let reached = item.firstBlock * PAGE_BYTES
      for (const [from, to] of item.blocks
        ? runsOf(item.blocks)
        : [[item.firstBlock, end] as const]) {
        reached = await this.#storeRun(item, file, from, to)
      }
      const isPartial = item.blocks !== undefined || item.changedSince !== undefined
      const length = isPartial ? Math.min((await file.stat()).size, end * PAGE_BYTES) : reached
      this.#lengths.push([item.file, length])
    } finally {
      await file.close()
    }
  }

  /** Stores blocks `from` to `to` and returns the byte at which the file ended or the run did. */
  async #storeRun(item: StoreItem, file: Blocks, from: number, to: number): Promise<number> {
    let block = from
    while (block < to) {
      const room = PAGES_AT_ONCE * PAGE_BYTES - this.#used
      if (room < PAGE_BYTES) {
        await this.#endFrame()
        continue
      }
      const count = Math.min(to - block, Math.floor(room / PAGE_BYTES))
      const read = await this.#read(file, block, count * PAGE_BYTES)
      if (read === 0) return block === item.firstBlock ? 0 : block * PAGE_BYTES
      await this.#keep(item, file, block, read)
      if (read < count * PAGE_BYTES) return block * PAGE_BYTES + read
      block += count
    }
    return to * PAGE_BYTES
  }

  async #read(file: Blocks, block: number, length: number): Promise<number> {
    let done = 0
    while (done < length) {
      const { bytesRead } = await file.read(
        this.#checker.pages,
        this.#used + done,
        length - done,
        block * PAGE_BYTES + done,
      )
      if (bytesRead === 0) break
      done += bytesRead
    }
    this.#readBytes += done
    return done
  }

  /** Takes what was just read behind `#used` into the frame: all of it, or the blocks that are wanted. */
  async #keep(item: StoreItem, file: Blocks, block: number, read: number): Promise<void> {
    const pages = Math.floor(read / PAGE_BYTES)
    if (item.content === 'pages' && this.session.hasPageChecksums)
      await this.#check(item, file, block, pages)
    const since = item.changedSince
    if (since === undefined) {
      this.#addRun(item.file, block, Math.ceil(read / PAGE_BYTES), this.#used)
      this.#used += read
      return
    }
    const start = this.#used
    for (let index = 0; index < pages; index++) {
      const at = start + index * PAGE_BYTES
      const lsn = this.#checker.lsn(at)
      // A page without a position was never logged: it may stand where something else stood.
      if (lsn !== 0n && lsn < since.lsn && block + index < since.orFromBlock) continue
      this.#checker.pages.copyWithin(this.#used, at, at + PAGE_BYTES)
      this.#addRun(item.file, block + index, 1, this.#used)
      this.#used += PAGE_BYTES
    }
  }

  async #check(item: StoreItem, file: Blocks, block: number, pages: number): Promise<void> {
    const verdicts = this.#checker.check(this.#used, pages, item.blocksBefore + block)
    for (let index = 0; index < pages; index++) {
      if (verdicts[index] !== 'damaged') continue
      const at = this.#used + index * PAGE_BYTES
      if (item.startLsn !== undefined && this.#checker.lsn(at) >= item.startLsn) continue
      if (await this.#isSoundAfterAll(item, file, block + index, at)) continue
      this.#warnings.push(`${item.path} block ${block + index}`)
    }
  }

  /**
   * Reads a page again that was found damaged: the server may have been writing it. One that stays the same is damaged
   * there, also when its position, which may be part of the damage, says that it was just changed.
   */
  async #isSoundAfterAll(
    item: StoreItem,
    file: Blocks,
    block: number,
    at: number,
  ): Promise<boolean> {
    const page = this.#checker.pages.subarray(at, at + PAGE_BYTES)
    for (let attempt = 0; !item.bytes && attempt < REREADS; attempt++) {
      await delay(REREAD_AFTER_MS)
      const before = Buffer.from(page)
      const { bytesRead } = await file.read(page, 0, PAGE_BYTES, block * PAGE_BYTES)
      const [verdict] = this.#checker.check(at, 1, item.blocksBefore + block)
      if (bytesRead < PAGE_BYTES || verdict !== 'damaged') return true
      if (!before.equals(page)) attempt = 0
    }
    return false
  }

  #addRun(file: number, block: number, count: number, at: number): void {
    const last = this.#runs.at(-1)
    if (
      last &&
      last[0] === file &&
      last[1] + last[2] === block &&
      last[3] + last[2] * PAGE_BYTES === at
    ) {
      last[2] += count
    } else {
      this.#runs.push([file, block, count, at])
    }
  }

  async #endFrame(): Promise<void> {
    if (this.#used === 0) return
    const offset = this.pack.position
    const frame = encodeFrame(this.#checker.pages.subarray(0, this.#used), {
      compress: true,
      key: this.session.key,
      place: `${this.session.packName}:${offset}`,
    })
    await this.pack.append(frame)
    this.#frames.push({ offset, length: frame.length, rawLength: this.#used, runs: this.#runs })
    this.#runs = []
    this.#used = 0
  }
}

/** What blocks are read from: a file, or bytes that a remote server sent. */
interface Blocks {
  read(
    into: Buffer,
    at: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>
  stat(): Promise<{ readonly size: number }>
  close(): Promise<void>
}

class BytesInHand implements Blocks {
  constructor(
    private readonly bytes: Uint8Array,
    private readonly position: number,
  ) {}

  async read(into: Buffer, at: number, length: number, position: number) {
    const from = position - this.position
    const part = this.bytes.subarray(from, from + length)
    into.set(part, at)
    return { bytesRead: part.length }
  }

  async stat() {
    return { size: this.position + this.bytes.length }
  }

  async close() {}
}

function* runsOf(blocks: readonly number[]): Generator<readonly [number, number]> {
  for (let first = 0; first < blocks.length; ) {
    let last = first
    while (blocks[last + 1] === blocks[last]! + 1) last++
    yield [blocks[first]!, blocks[last]! + 1]
    first = last + 1
  }
}

async function openIfThere(path: string): Promise<Blocks | undefined> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
