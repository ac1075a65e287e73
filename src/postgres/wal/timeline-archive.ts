import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../../core/assert.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type Lsn, walSegmentName } from '../../core/lsn.ts'
import { type CommitRecord, RecordScanner } from './record-scanner.ts'
import {
  type CommitSummary,
  findPartialFault,
  NO_COMMITS,
  PartialSegment,
  readSegment,
  readSummary,
  writeSegment,
} from './segment-file.ts'

interface Segment {
  readonly isComplete: boolean
  /** Bytes of it that are here, from its start. */
  length: number
  summary: CommitSummary
  /** Why it cannot be used, when its file is damaged. */
  fault?: string
}

/** WAL without a gap: from `from` up to `to`, and the newest commit in it. */
export interface WalRange {
  readonly from: Lsn
  readonly to: Lsn
  readonly newestCommitUs: number
}

export interface WalFault {
  readonly file: string
  readonly reason: string
}

/** The archived WAL of one timeline: a folder of segments, the newest of them still growing. */
export class TimelineArchive {
  readonly #segments = new Map<number, Segment>()
  #active: { number: number; file: PartialSegment } | undefined
  #scanner: RecordScanner | undefined

  private constructor(
    readonly timeline: number,
    private readonly folder: string,
    private readonly segmentBytes: number,
    private readonly key: Buffer | undefined,
  ) {}

  static async open(o: {
    timeline: number
    folder: string
    segmentBytes: number
    key: Buffer | undefined
  }): Promise<TimelineArchive> {
    await mkdir(o.folder, { recursive: true, mode: 0o700 })
    const archive = new TimelineArchive(o.timeline, o.folder, o.segmentBytes, o.key)
    await archive.#load()
    return archive
  }

  /** Up to where WAL is durable here; undefined before any has come. */
  get end(): Lsn | undefined {
    const last = Math.max(...this.#segments.keys())
    if (!Number.isFinite(last)) return undefined
    return BigInt(last * this.segmentBytes + this.#segments.get(last)!.length) as Lsn
  }

  /** The end of the last whole record that is durable: where a restore to the latest moment cuts. */
  get endOfRecords(): Lsn | undefined {
    return this.#scanner?.lastRecordEnd ?? this.end
  }

  /** Adds WAL at the end, durable when it returns. `from` must be where the archive ends, or a segment's start. */
  async append(from: Lsn, pieces: readonly Buffer[]): Promise<void> {
    let at = Number(from)
    for (const piece of pieces) {
      for (let offset = 0; offset < piece.length; ) {
        const room = this.segmentBytes - (at % this.segmentBytes)
        const part = piece.subarray(offset, offset + room)
        await this.#appendWithin(at, part)
        offset += part.length
        at += part.length
      }
    }
  }

  /** Stretches of WAL without a gap or damage, oldest first. */
  ranges(): WalRange[] {
    const ranges: { from: number; to: number; newestCommitUs: number }[] = []
    for (const number of [...this.#segments.keys()].sort((a, b) => a - b)) {
      const { length, summary, fault } = this.#segments.get(number)!
      if (fault !== undefined || length === 0) continue
      const from = number * this.segmentBytes
      const last = ranges.at(-1)
      const newest = summary.commits > 0 ? summary.maxUs : Number.NEGATIVE_INFINITY
      if (last?.to === from) {
        last.to = from + length
        last.newestCommitUs = Math.max(last.newestCommitUs, newest)
      } else {
        ranges.push({ from, to: from + length, newestCommitUs: newest })
      }
    }
    return ranges.map(({ from, to, newestCommitUs }) => ({
      from: BigInt(from) as Lsn,
      to: BigInt(to) as Lsn,
      newestCommitUs,
    }))
  }

  /**
   * The first commit, in the order of the log, that was made later than `timeUs` at or after `from`. PostgreSQL's own
   * recovery stops there too.
   *
   * @throws LifeboatError `VaultDamaged`
   */
  async firstCommitAfter(timeUs: number, from: Lsn): Promise<CommitRecord | undefined> {
    const first = Math.floor(Number(from) / this.segmentBytes)
    const numbers = [...this.#segments.keys()]
      .filter((number) => number >= first)
      .sort((a, b) => a - b)
    for (const number of numbers) {
      const { summary } = this.#segments.get(number)!
      if (!(summary.commits > 0 && summary.maxUs > timeUs)) continue
      const found = await this.#findIn(
        number,
        (commit) => commit.startLsn >= from && commit.timeUs > timeUs,
      )
      if (found) return found
    }
    return undefined
  }

  /** Where the last record ends that begins in the range which holds `from` and is whole. */
  async lastRecordEnd(from: Lsn): Promise<Lsn> {
    const range = this.ranges().find((one) => one.from <= from && from <= one.to)
    assert(range, 'a position lies in a range')
    if (range.to === this.end && this.#scanner) return this.#scanner.lastRecordEnd
    const number = Math.floor((Number(range.to) - 1) / this.segmentBytes)
    const scanner = await this.#scannerBefore(number, () => undefined)
    scanner.feed(await this.read(number))
    return scanner.lastRecordEnd
  }

  /** Where the last record ends that is whole before `lsn`. */
  async recordEndBefore(lsn: Lsn): Promise<Lsn> {
    const number = Math.floor((Number(lsn) - 1) / this.segmentBytes)
    const scanner = await this.#scannerBefore(number, () => undefined)
    scanner.feed((await this.read(number)).subarray(0, Number(lsn) - number * this.segmentBytes))
    return scanner.lastRecordEnd
  }

  /** Where records begin that create tablespaces, from segment `first` to segment `last`. */
  tablespacesBetween(first: number, last: number): Lsn[] {
    const summaries = [...this.#segments].filter(([number]) => first <= number && number <= last)
    return summaries.flatMap(([, { summary }]) =>
      summary.tablespacesAt.map((at) => BigInt(at) as Lsn),
    )
  }

  /** The bytes of a segment that are here; short when it is still growing or was cut off by a gap. */
  async read(number: number): Promise<Buffer> {
    const segment = this.#segments.get(number)
    if (!segment) {
      throw new LifeboatError('WalGap', `segment ${this.#name(number)} is not in the archive`)
    }
    if (segment.isComplete) return readSegment(this.#path(number), this.key)
    if (this.#active?.number === number) {
      return Buffer.from(this.#active.file.bytes.subarray(0, this.#active.file.length))
    }
    const file = await PartialSegment.open(
      this.#path(number, '.partial'),
      this.segmentBytes,
      this.key,
    )
    await file.close()
    return file.bytes.subarray(0, file.length)
  }

  /** Deletes the complete segments that end at or before `lsn`. */
  async expireBefore(lsn: Lsn): Promise<void> {
    const keep = Math.floor(Number(lsn) / this.segmentBytes)
    for (const number of [...this.#segments.keys()]) {
      if (number >= keep || number === this.#active?.number) continue
      this.#segments.delete(number)
      await rm(this.#path(number), { force: true })
      await rm(this.#path(number, '.partial'), { force: true })
    }
  }

  /** Reads every byte again and names each file that is not as it was written; from then on it splits its range. */
  async verify(): Promise<WalFault[]> {
    const faults: WalFault[] = []
    for (const [number, segment] of this.#segments) {
      const reason = await this.#findFault(number, segment)
      if (reason === undefined) continue
      const file = this.#path(number, segment.isComplete ? '.wal' : '.partial')
      faults.push({ file, reason })
      if (number !== this.#active?.number) segment.fault = reason
    }
    return faults
  }

  /** What is wrong with the segment that holds the byte at `lsn`, as far as is known. */
  faultAt(lsn: Lsn): string | undefined {
    return this.#segments.get(Math.floor(Number(lsn) / this.segmentBytes))?.fault
  }

  async #findFault(number: number, { isComplete }: Segment): Promise<string | undefined> {
    try {
      if (isComplete) await readSegment(this.#path(number), this.key)
      else {
        const offset = await findPartialFault(this.#path(number, '.partial'))
        if (offset !== undefined) return `damaged at offset ${offset}`
      }
      return undefined
    } catch (error) {
      if (!(error instanceof LifeboatError)) throw error
      return error.message
    }
  }

  async close(): Promise<void> {
    await this.#active?.file.close()
    this.#active = undefined
  }

  async #appendWithin(at: number, part: Buffer): Promise<void> {
    const number = Math.floor(at / this.segmentBytes)
    const active = await this.#activate(number)
    assert(active.length === at % this.segmentBytes, 'WAL is appended without a gap')
    await active.append([part])
    const segment = this.#segments.get(number)!
    this.#scanner!.feed(part)
    segment.length = active.length
    if (active.length === this.segmentBytes) await this.#complete(number, active)
  }

  async #activate(number: number): Promise<PartialSegment> {
    if (this.#active?.number === number) return this.#active.file
    await this.#active?.file.close()
    const file = await PartialSegment.open(
      this.#path(number, '.partial'),
      this.segmentBytes,
      this.key,
    )
    this.#active = { number, file }
    this.#segments.set(number, { isComplete: false, length: file.length, summary: NO_COMMITS })
    if (this.#scanner?.position !== this.#startOf(number)) {
      let isFed = false
      this.#scanner = await this.#scannerBefore(
        number,
        (commit) => {
          if (isFed) this.#note(commit)
        },
        (startLsn) => {
          if (isFed) this.#noteTablespace(startLsn)
        },
      )
      isFed = true
    }
    this.#scanner.feed(file.bytes.subarray(0, file.length))
    return file
  }

  /** A scanner that stands at the start of a segment and knows a record that reaches into it, where that is here. */
  async #scannerBefore(
    number: number,
    onCommit: (commit: CommitRecord) => void,
    onTablespace?: (startLsn: Lsn) => void,
  ): Promise<RecordScanner> {
    const before = this.#segments.get(number - 1)
    const isUsable = before?.isComplete === true && before.fault === undefined
    const start = this.#startOf(isUsable ? number - 1 : number)
    const scanner = new RecordScanner(start, this.segmentBytes, onCommit, onTablespace)
    if (isUsable) scanner.feed(await this.read(number - 1))
    return scanner
  }

  async #complete(number: number, active: PartialSegment): Promise<void> {
    const { summary } = this.#segments.get(number)!
    await writeSegment(this.#path(number), active.bytes, summary, this.key)
    await active.remove()
    this.#active = undefined
    this.#segments.set(number, {
      isComplete: true,
      length: this.segmentBytes,
      summary: this.#summaryOf(number),
    })
  }

  #summaryOf(number: number): CommitSummary {
    return this.#segments.get(number)?.summary ?? NO_COMMITS
  }

  /** A commit counts for the segment in which its record ends: the one that is being written. */
  #note({ timeUs }: CommitRecord): void {
    const segment = this.#active && this.#segments.get(this.#active.number)
    if (!segment) return
    const { commits, firstUs, maxUs } = segment.summary
    segment.summary = {
      ...segment.summary,
      commits: commits + 1,
      firstUs: commits > 0 ? firstUs : timeUs,
      maxUs: commits > 0 ? Math.max(maxUs, timeUs) : timeUs,
    }
  }

  #noteTablespace(startLsn: Lsn): void {
    const segment = this.#active && this.#segments.get(this.#active.number)
    if (!segment) return
    const tablespacesAt = [...segment.summary.tablespacesAt, Number(startLsn)]
    segment.summary = { ...segment.summary, tablespacesAt }
  }

  async #load(): Promise<void> {
    const names = await readdir(this.folder)
    for (const name of names.filter((one) => one.endsWith('.new')))
      await rm(join(this.folder, name))
    const numbersOf = (suffix: string) =>
      names.filter((name) => name.endsWith(suffix)).map((name) => this.#numberOf(name))

    for (const number of numbersOf('.wal')) {
      this.#segments.set(number, await this.#loadComplete(number))
      await rm(this.#path(number, '.partial'), { force: true })
    }
    const partial = numbersOf('.partial').filter((number) => !this.#segments.has(number))
    for (const number of partial.sort((a, b) => a - b)) await this.#activate(number)
  }

  async #loadComplete(number: number): Promise<Segment> {
    const segment = { isComplete: true, length: this.segmentBytes }
    try {
      return { ...segment, summary: await readSummary(this.#path(number), this.key) }
    } catch (error) {
      if (!(error instanceof LifeboatError) || error.code !== 'VaultDamaged') throw error
      return { ...segment, summary: NO_COMMITS, fault: error.message }
    }
  }

  async #findIn(
    number: number,
    isWanted: (commit: CommitRecord) => boolean,
  ): Promise<CommitRecord | undefined> {
    let found: CommitRecord | undefined
    const scanner = new RecordScanner(this.#startOf(number), this.segmentBytes, (commit) => {
      if (!found && isWanted(commit)) found = commit
    })
    scanner.feed(await this.read(number))
    // A record that begins at the end of this segment goes on in the next.
    if (!found && this.#segments.has(number + 1))
      scanner.feed((await this.read(number + 1)).subarray(0, 1 << 16))
    return found
  }

  #startOf(number: number): Lsn {
    return BigInt(number * this.segmentBytes) as Lsn
  }

  #name(number: number): string {
    return walSegmentName(this.timeline, this.#startOf(number), BigInt(this.segmentBytes))
  }

  #numberOf(name: string): number {
    const log = Number.parseInt(name.slice(8, 16), 16)
    return log * (0x1_0000_0000 / this.segmentBytes) + Number.parseInt(name.slice(16, 24), 16)
  }

  #path(number: number, suffix = '.wal'): string {
    return join(this.folder, this.#name(number) + suffix)
  }
}
