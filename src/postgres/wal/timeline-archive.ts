import { assert } from '../../core/assert.ts'
import { LifeboatError } from '../../core/errors.ts'
import { formatLsn, type Lsn } from '../../core/lsn.ts'
import type { CommitRecord } from './record-scanner.ts'
import { SegmentStore, type WalFault } from './segment-store.ts'
import { WalAppender } from './wal-appender.ts'
import { splitBySegment } from './wal-pieces.ts'

/** WAL without a gap: from `from` up to `to`, and the newest commit in it. */
export interface WalRange {
  readonly from: Lsn
  readonly to: Lsn
  /** Microseconds since 1970; minus infinity when there is none. */
  readonly newestCommitUs: number
}

/** Commits are timed before they are logged; a moment is promised only when it lies this far back. */
const PROMISE_MARGIN_US = 100_000

/**
 * The newest moment that a range can be restored to: any transaction that a client saw committed up to then is in it,
 * because a commit that is logged later is also timed later. Undefined when it holds no commit.
 */
export function newestMoment({ newestCommitUs }: WalRange): Date | undefined {
  if (!Number.isFinite(newestCommitUs)) return undefined
  return new Date(Math.floor((newestCommitUs - PROMISE_MARGIN_US) / 1000))
}

/** The archived WAL of one timeline: a folder of segments, the newest of them still growing. */
export class TimelineArchive {
  readonly #appender: WalAppender

  private constructor(
    readonly timeline: number,
    private readonly store: SegmentStore,
  ) {
    this.#appender = new WalAppender(store)
  }

  static async open(o: {
    timeline: number
    folder: string
    segmentBytes: number
    key: Buffer | undefined
  }): Promise<TimelineArchive> {
    return new TimelineArchive(o.timeline, await SegmentStore.open(o))
  }

  /** Up to where WAL is durable here; undefined before any has come. */
  get end(): Lsn | undefined {
    const last = this.store.numbers().at(-1)
    if (last === undefined) return undefined
    return (this.store.startOf(last) + BigInt(this.store.get(last)!.length)) as Lsn
  }

  /**
   * Adds WAL, durable when it returns. It begins where the archive ends, or at the start of a later segment, which
   * leaves a gap. What is here already may come again and must then be the same.
   *
   * @throws LifeboatError `VaultDamaged` when it is not what was archived before or no WAL at all, `DiskFull`
   */
  async append(from: Lsn, pieces: readonly Buffer[]): Promise<void> {
    for (const part of splitBySegment(from, pieces, this.store.segmentBytes)) {
      const known = this.end === undefined ? 0 : Math.min(Number(this.end) - part.at, part.length)
      const fresh = known > 0 ? await this.#withoutKnown(part.at, part.pieces, known) : part.pieces
      if (fresh.length > 0) await this.#appender.append(part.at + Math.max(known, 0), fresh)
    }
  }

  /** Stretches of WAL without a gap or damage, oldest first. */
  ranges(): WalRange[] {
    const ranges: { from: Lsn; to: Lsn; newestCommitUs: number }[] = []
    for (const number of this.store.numbers()) {
      const { length, summary, fault, isComplete } = this.store.get(number)!
      if (length === 0 || (fault && isComplete)) continue
      const from = this.store.startOf(number)
      const to = (from + BigInt(length)) as Lsn
      const last = ranges.at(-1)
      if (last?.to === from) {
        last.to = to
        last.newestCommitUs = Math.max(last.newestCommitUs, summary.maxUs)
      } else {
        ranges.push({ from, to, newestCommitUs: summary.maxUs })
      }
    }
    return ranges
  }

  /** What is known to be damaged, and where the segment begins that it is in. */
  faults(): (WalFault & { readonly start: Lsn })[] {
    return this.store.numbers().flatMap((number) => {
      const { fault } = this.store.get(number)!
      return fault ? [{ ...fault, start: this.store.startOf(number) }] : []
    })
  }

  /**
   * The first commit, in the order of the log, that was made later than `timeUs` at or after `from`. PostgreSQL's own
   * recovery stops there too.
   *
   * @throws LifeboatError `VaultDamaged`
   */
  async firstCommitAfter(timeUs: number, from: Lsn): Promise<CommitRecord | undefined> {
    const first = this.#numberAt(from)
    for (const number of this.store.numbers()) {
      if (number < first || !(this.store.get(number)!.summary.maxUs > timeUs)) continue
      let found: CommitRecord | undefined
      await this.store.scan(number, await this.read(number), (commit) => {
        if (!found && commit.startLsn >= from && commit.timeUs > timeUs) found = commit
      })
      if (found) return found
    }
    return undefined
  }

  /** Where the last record ends that begins in the range which holds `from` and is whole. */
  async lastRecordEnd(from: Lsn): Promise<Lsn> {
    const range = this.ranges().find((one) => one.from <= from && from <= one.to)
    assert(range, 'a position lies in a range')
    const { recordsEnd } = this.#appender
    if (range.to === this.end && recordsEnd !== undefined) return recordsEnd
    return this.recordEndBefore(range.to)
  }

  /** Where the last record ends that is whole before `lsn`. */
  async recordEndBefore(lsn: Lsn): Promise<Lsn> {
    const number = this.#numberAt((lsn - 1n) as Lsn)
    const bytes = (await this.read(number)).subarray(0, Number(lsn - this.store.startOf(number)))
    const scanner = await this.store.scan(number, bytes, () => undefined)
    return scanner.lastRecordEnd
  }

  /** Where records begin that create tablespaces and end in the segments from `first` to `last`. */
  tablespacesBetween(first: number, last: number): Lsn[] {
    return this.store
      .numbers()
      .filter((number) => first <= number && number <= last)
      .flatMap((number) => this.store.get(number)!.summary.tablespacesAt)
      .map((at) => BigInt(at) as Lsn)
  }

  /**
   * The bytes of a segment that are here; short when it is still growing or was cut off by a gap. The memory is the
   * caller's own.
   *
   * @throws LifeboatError `WalGap` when there is none, `VaultDamaged`: from then on its range ends before it
   */
  read(number: number): Promise<Buffer> {
    return this.store.read(number)
  }

  /**
   * Durable WAL from a position on, at most to the end of its segment; empty where there is none. What has just arrived is
   * not read from the disk again. The memory is the caller's own.
   *
   * @throws LifeboatError `VaultDamaged`
   */
  async readFrom(lsn: Lsn): Promise<Buffer> {
    const number = this.#numberAt(lsn)
    const at = Number(lsn - this.store.startOf(number))
    const fresh = this.#appender.peek(number)
    if (fresh) return Buffer.from(fresh.subarray(at))
    const segment = this.store.get(number)
    if (!segment || segment.length <= at) return Buffer.alloc(0)
    return (await this.store.read(number)).subarray(at)
  }

  /** Deletes the segments that end at or before `lsn`. */
  expireBefore(lsn: Lsn): Promise<void> {
    return this.#appender.expireBefore(lsn)
  }

  /** Reads every byte again and names each file that is not as it was written, and where. Safe while WAL arrives. */
  async verify(): Promise<WalFault[]> {
    const faults: WalFault[] = []
    for (const number of this.store.numbers()) {
      const fault = await this.store.findFault(number)
      if (fault) faults.push(fault)
    }
    return faults
  }

  async close(): Promise<void> {
    await this.#appender.close()
  }

  /** What of the pieces is not here yet. @throws LifeboatError `VaultDamaged` when the rest is not what was archived */
  async #withoutKnown(at: number, pieces: readonly Buffer[], known: number): Promise<Buffer[]> {
    const bytes = Buffer.concat(pieces)
    const before = (await this.read(Math.floor(at / this.store.segmentBytes))).subarray(
      at % this.store.segmentBytes,
    )
    if (!bytes.subarray(0, known).equals(before.subarray(0, known))) {
      throw new LifeboatError(
        'VaultDamaged',
        `the server's write-ahead log differs from what was archived of it at ${formatLsn(BigInt(at) as Lsn)}`,
        { hint: 'Protect a cluster that was put back to an older state in a folder of its own.' },
      )
    }
    return known < bytes.length ? [bytes.subarray(known)] : []
  }

  #numberAt(lsn: Lsn): number {
    return Math.floor(Number(lsn) / this.store.segmentBytes)
  }
}
