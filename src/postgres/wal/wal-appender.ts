import { rm } from 'node:fs/promises'
import { assert } from '../../core/assert.ts'
import type { Lsn } from '../../core/lsn.ts'
import { PartialSegment, readPartial, SegmentMemory } from './partial-segment.ts'
import type { RecordScanner } from './record-scanner.ts'
import {
  type CommitSummary,
  damaged,
  joinSummaries,
  NO_COMMITS,
  withCommit,
  withTablespace,
  writeSegment,
} from './segment-file.ts'
import type { SegmentStore } from './segment-store.ts'

interface ActiveSegment {
  readonly number: number
  readonly file: PartialSegment
}

/** How many received segments may wait to be compressed. */
const MAX_WAITING = 2

/**
 * Writes WAL into the segments of a timeline as it comes.
 *
 * A segment is durable as a partial file from its first byte on. When it is whole it is compressed behind the back of
 * the stream; until that file is durable the partial one stays. What is found in a piece counts when it is durable.
 */
export class WalAppender {
  readonly #memory: SegmentMemory
  #active: ActiveSegment | undefined
  /** Stands at the end of the active segment. */
  #scanner: RecordScanner | undefined
  #found: CommitSummary = NO_COMMITS
  #recordsEnd: Lsn | undefined
  /** Segments that are whole and wait to be compressed. */
  readonly #waiting = new Map<number, Buffer>()
  /** Compressing and expiring, one after the other; holds what the last one failed of. */
  #background: Promise<unknown> = Promise.resolve()

  constructor(private readonly store: SegmentStore) {
    this.#memory = new SegmentMemory(store.segmentBytes)
  }

  /** The end of the last whole record that is durable; undefined when that is not known without reading. */
  get recordsEnd(): Lsn | undefined {
    return this.#recordsEnd
  }

  /** What of a segment is durable, if it is in memory; the caller copies it at once. */
  peek(number: number): Buffer | undefined {
    return this.#active?.number === number ? this.#active.file.bytes : this.#waiting.get(number)
  }

  /** Adds pieces that lie within one segment, right behind what it holds. */
  async append(at: number, pieces: readonly Buffer[]): Promise<void> {
    const number = Math.floor(at / this.store.segmentBytes)
    try {
      const file = await this.#activate(number)
      assert(file.length === at % this.store.segmentBytes, 'WAL is appended without a gap')
      // Before it is stored: what does not hang together is not kept.
      for (const piece of pieces) this.#scanner!.feed(piece)
      await file.append(pieces)
      this.#countFound(number, file)
    } catch (error) {
      // Whatever was half done is read from the disk again.
      await this.#abandon()
      throw error
    }
    const active = this.#active
    if (active?.file.length === this.store.segmentBytes) await this.#beginToComplete(active)
  }

  /** Deletes segments, oldest first, so that no crash leaves a hole. */
  async expireBefore(lsn: Lsn): Promise<void> {
    const failure = await this.#inBackground(async () => {
      const keep = Math.floor(Number(lsn) / this.store.segmentBytes)
      for (const number of this.store.numbers()) {
        if (number < keep && number !== this.#active?.number) await this.store.delete(number)
      }
    })
    if (failure) throw failure
  }

  async close(): Promise<void> {
    await this.#background
    await this.#leaveActive()
  }

  async #activate(number: number): Promise<PartialSegment> {
    if (this.#active?.number === number) return this.#active.file
    await this.#leaveActive()
    const { store } = this
    assert(!store.get(number)?.isComplete, 'a complete segment is not written again')
    const place = store.place(number, '.partial')
    // After a failed write only what was acknowledged is known to have reached the disk.
    const stored = await readPartial(place, store.get(number)?.storedLength)
    if (this.#scanner?.position !== store.startOf(number) || stored.bytes.length > 0) {
      this.#found = NO_COMMITS
      this.#scanner = await store.scan(
        number,
        stored.bytes,
        ({ timeUs }) => {
          this.#found = withCommit(this.#found, timeUs)
        },
        (at) => {
          this.#found = withTablespace(this.#found, at)
        },
      )
    }
    const file = await PartialSegment.open(place, stored, this.#memory)
    store.set(number, { isComplete: false, length: 0, summary: NO_COMMITS })
    this.#active = { number, file }
    this.#countFound(number, file)
    return file
  }

  #countFound(number: number, file: PartialSegment): void {
    const segment = this.store.get(number)!
    segment.length = file.length
    segment.storedLength = file.storedLength
    segment.summary = joinSummaries(segment.summary, this.#found)
    this.#found = NO_COMMITS
    this.#recordsEnd = this.#scanner!.lastRecordEnd
  }

  async #leaveActive(): Promise<void> {
    const active = this.#active
    this.#active = undefined
    if (!active) return
    await active.file.close()
    delete this.store.get(active.number)?.storedLength
  }

  async #abandon(): Promise<void> {
    const active = this.#active
    this.#active = undefined
    this.#scanner = undefined
    this.#recordsEnd = undefined
    this.#found = NO_COMMITS
    await active?.file.abandon()
  }

  /** Compresses all segments that are whole, and lets the stream go on meanwhile unless too many wait. */
  async #beginToComplete({ number, file }: ActiveSegment): Promise<void> {
    this.#active = undefined
    this.#waiting.set(number, file.bytes)
    await file.abandon()
    const failure = this.#whole().length > MAX_WAITING ? await this.#background : undefined
    void this.#inBackground(() => this.#completeWhole())
    if (failure) throw failure
  }

  #inBackground(work: () => Promise<void>): Promise<unknown> {
    this.#background = this.#background.then(() =>
      work().then(
        () => undefined,
        (error: unknown) => error,
      ),
    )
    return this.#background
  }

  async #completeWhole(): Promise<void> {
    for (const number of this.#whole()) {
      const partial = this.store.place(number, '.partial')
      const bytes = this.#waiting.get(number) ?? (await readPartial(partial)).bytes
      if (bytes.length !== this.store.segmentBytes) throw damaged(partial.path, bytes.length)
      const { summary, length } = this.store.get(number)!
      await writeSegment(this.store.place(number), bytes, summary)
      this.store.set(number, { isComplete: true, length, summary })
      if (this.#waiting.delete(number)) this.#memory.giveBack(bytes)
      await rm(partial.path)
    }
  }

  #whole(): number[] {
    return this.store.numbers().filter((number) => {
      const { isComplete, length } = this.store.get(number)!
      return !isComplete && length === this.store.segmentBytes && number !== this.#active?.number
    })
  }
}
