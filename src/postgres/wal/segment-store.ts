import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { LifeboatError } from '../../core/errors.ts'
import { type Lsn, walSegmentName } from '../../core/lsn.ts'
import { syncFolder } from '../storage/durable-file.ts'
import { readPartial, type StoredPartial } from './partial-segment.ts'
import { type CommitRecord, RecordScanner } from './record-scanner.ts'
import {
  AROUND_DAMAGE,
  type CommitSummary,
  damaged,
  findFault,
  NO_COMMITS,
  readSegment,
  readSummary,
  type SegmentPlace,
  withCommit,
  withTablespace,
} from './segment-file.ts'

export interface WalFault {
  readonly file: string
  readonly offset?: number
  readonly reason: string
}

/** What is known of one segment. */
export interface Segment {
  readonly isComplete: boolean
  /** Bytes of it that are durable here, from its start. */
  length: number
  summary: CommitSummary
  /** How much of its file is in use, while WAL is being appended to it. */
  storedLength?: number
  /** Why it cannot be used, or where it ends too early, when its file is damaged. */
  fault?: WalFault
}

const FIRST_IS_CONTINUED = 0x0001

/** The segments of one timeline as files in a folder: whole ones compressed, others partial. */
export class SegmentStore {
  readonly #segments = new Map<number, Segment>()
  #sorted: number[] | undefined

  private constructor(
    private readonly timeline: number,
    private readonly folder: string,
    readonly segmentBytes: number,
    private readonly key: Buffer | undefined,
  ) {}

  static async open(o: {
    timeline: number
    folder: string
    segmentBytes: number
    key: Buffer | undefined
  }): Promise<SegmentStore> {
    await mkdir(o.folder, { recursive: true, mode: 0o700 })
    await syncFolder(dirname(o.folder))
    const store = new SegmentStore(o.timeline, o.folder, o.segmentBytes, o.key)
    await store.#load()
    return store
  }

  /** Oldest first. */
  numbers(): readonly number[] {
    this.#sorted ??= [...this.#segments.keys()].sort((a, b) => a - b)
    return this.#sorted
  }

  get(number: number): Segment | undefined {
    return this.#segments.get(number)
  }

  set(number: number, segment: Segment): void {
    if (!this.#segments.has(number)) this.#sorted = undefined
    this.#segments.set(number, segment)
  }

  async delete(number: number): Promise<void> {
    this.#segments.delete(number)
    this.#sorted = undefined
    await rm(this.place(number).path, { force: true })
    await rm(this.place(number, '.partial').path, { force: true })
  }

  startOf(number: number): Lsn {
    return BigInt(number * this.segmentBytes) as Lsn
  }

  place(number: number, suffix = '.wal'): SegmentPlace {
    const { segmentBytes, key } = this
    const name = walSegmentName(this.timeline, this.startOf(number), BigInt(segmentBytes))
    return { path: join(this.folder, name + suffix), name, segmentBytes, key }
  }

  /**
   * The bytes of a segment that are durable here.
   *
   * @throws LifeboatError `WalGap` when there is none, `VaultDamaged`: from then on its range ends before it
   */
  async read(number: number): Promise<Buffer> {
    const segment = this.#segments.get(number)
    if (!segment) {
      const { name } = this.place(number)
      throw new LifeboatError('WalGap', `segment ${name} is not in the archive`, {
        hint: AROUND_DAMAGE,
      })
    }
    if (!segment.isComplete) {
      const { length } = segment
      const { bytes } = await readPartial(this.place(number, '.partial'))
      if (bytes.length >= length) return bytes.subarray(0, length)
      // It may have been compressed and removed in the meantime.
      if (this.#segments.get(number)?.isComplete) return this.read(number)
      throw damaged(this.place(number, '.partial').path, bytes.length)
    }
    try {
      return await readSegment(this.place(number))
    } catch (error) {
      await this.findFault(number)
      throw error
    }
  }

  /** Scans a segment; a record that reaches into it is known where the segment before is here. */
  async scan(
    number: number,
    bytes: Buffer,
    onCommit: (commit: CommitRecord) => void,
    onTablespace: (startLsn: Lsn) => void = () => undefined,
  ): Promise<RecordScanner> {
    const isContinued = bytes.length < 4 || (bytes.readUInt16LE(2) & FIRST_IS_CONTINUED) !== 0
    const before = isContinued ? await this.#readWhole(number - 1) : undefined
    let isHere = false
    const scanner = new RecordScanner(
      this.startOf(before ? number - 1 : number),
      this.segmentBytes,
      (commit) => isHere && onCommit(commit),
      (at) => isHere && onTablespace(at),
    )
    if (before) scanner.feed(before)
    isHere = true
    scanner.feed(bytes)
    return scanner
  }

  /** Reads a segment's file; what is wrong with it is remembered, so that no window reaches across it. */
  async findFault(number: number): Promise<WalFault | undefined> {
    const segment = this.#segments.get(number)
    if (!segment) return undefined
    const { isComplete, length, storedLength } = segment
    const place = this.place(number, isComplete ? '.wal' : '.partial')
    const faultAt = isComplete
      ? await findFault(place)
      : faultIn(await readPartial(place, storedLength), length)
    // It was completed or deleted in the meantime.
    if (this.#segments.get(number) !== segment) return this.findFault(number)
    if (faultAt === undefined) delete segment.fault
    else segment.fault = faultOf(place, faultAt)
    return segment.fault
  }

  /** A segment that is here from end to end and sound. */
  async #readWhole(number: number): Promise<Buffer | undefined> {
    const segment = this.#segments.get(number)
    if (segment?.length !== this.segmentBytes || segment.fault) return undefined
    try {
      return await this.read(number)
    } catch (error) {
      if (error instanceof LifeboatError && error.code === 'VaultDamaged') return undefined
      throw error
    }
  }

  async #load(): Promise<void> {
    const names = await readdir(this.folder)
    for (const name of names.filter((one) => one.endsWith('.new')))
      await rm(join(this.folder, name))
    const numbersOf = (suffix: string) =>
      names.filter((name) => name.endsWith(suffix)).map((name) => this.#numberOf(name))

    for (const number of numbersOf('.wal')) {
      await this.#loadComplete(number)
      await rm(this.place(number, '.partial').path, { force: true })
    }
    const partial = numbersOf('.partial').filter((number) => !this.#segments.has(number))
    for (const number of partial.sort((a, b) => a - b)) await this.#loadPartial(number)
  }

  async #loadComplete(number: number): Promise<void> {
    const segment = { isComplete: true, length: this.segmentBytes }
    try {
      this.set(number, { ...segment, summary: await readSummary(this.place(number)) })
    } catch (error) {
      if (!(error instanceof LifeboatError) || error.code !== 'VaultDamaged') throw error
      this.set(number, { ...segment, summary: NO_COMMITS })
      await this.findFault(number)
    }
  }

  async #loadPartial(number: number): Promise<void> {
    const place = this.place(number, '.partial')
    const { bytes, faultAt } = await readPartial(place)
    let summary = NO_COMMITS
    await this.scan(
      number,
      bytes,
      (commit) => {
        summary = withCommit(summary, commit.timeUs)
      },
      (at) => {
        summary = withTablespace(summary, at)
      },
    )
    const segment: Segment = { isComplete: false, length: bytes.length, summary }
    if (faultAt !== undefined) segment.fault = faultOf(place, faultAt)
    this.set(number, segment)
  }

  #numberOf(name: string): number {
    const log = Number.parseInt(name.slice(8, 16), 16)
    return log * (0x1_0000_0000 / this.segmentBytes) + Number.parseInt(name.slice(16, 24), 16)
  }
}

/** Where a partial segment's file is damaged, or ends before what was durable in it. */
function faultIn(
  { faultAt, bytes, fileLength }: StoredPartial,
  expected: number,
): number | undefined {
  return faultAt ?? (bytes.length < expected ? fileLength : undefined)
}

function faultOf({ path }: SegmentPlace, offset: number): WalFault {
  return { file: path, offset, reason: `'${path}' is damaged at offset ${offset}` }
}
