import { assert } from '../../core/assert.ts'
import { LifeboatError } from '../../core/errors.ts'
import { formatLsn, type Lsn } from '../../core/lsn.ts'

/** A transaction's commit in the write-ahead log. */
export interface CommitRecord {
  /** Where the record begins: WAL that is cut here does not hold the commit. */
  readonly startLsn: Lsn
  /** Where the record before it ends: how far a server has replayed when WAL was cut at `startLsn`. */
  readonly previousEnd: Lsn
  /** The moment that the server took for it, in microseconds since 1970, exact. */
  readonly timeUs: number
}

const PAGE_BYTES = 8192
const SHORT_HEADER = 24
const LONG_HEADER = 40
const RECORD_HEADER = 24
/** PostgreSQL refuses to write a longer record (XLogRecordMaxSize, with its own room to spare). */
const MAX_RECORD_BYTES = 1 << 30
/** Enough of a record for its header, what may stand before the main data, and a commit's time. */
const HEAD_BYTES = 64
/** The high byte of every version's page magic: 0xD110 is PostgreSQL 15, 0xD118 is 18. */
const MAGIC_HIGH = 0xd1
const FIRST_IS_CONTINUED = 0x0001
const RM_XLOG = 0
const RM_XACT = 1
const RM_TABLESPACE = 5
const XLOG_SWITCH = 0x40
const TABLESPACE_CREATE = 0x00
const XACT_OPERATION = 0x70
const XACT_COMMIT = 0x00
const XACT_COMMIT_PREPARED = 0x30
/** Microseconds from 1970 to 2000, where PostgreSQL's timestamps begin. */
const POSTGRES_EPOCH_US = 946_684_800_000_000

/**
 * Walks over WAL as it arrives, record by record, and reports the commits.
 *
 * Feed it consecutive bytes that begin at the start of a segment. Pieces may be of any length: records and
 * page headers may be cut anywhere. Every page must say that it belongs where it stands, and every record must name the
 * one before it: WAL that does not hang together is refused, because its commits could not be found.
 *
 * Most records lie whole within a page and a piece; they are passed over where they lie. Only the others are put together.
 * Positions are plain numbers inside, exact up to 8 PiB of WAL.
 *
 * Source: PostgreSQL's access/xlogrecord.h, access/xlog_internal.h, access/xact.h (versions 15 to 18).
 */
export class RecordScanner {
  #at: number
  /** Bytes of the current record that are still to come, page headers not counted. -1: between records. */
  #left = -1
  readonly #head = Buffer.alloc(HEAD_BYTES)
  #headLength = 0
  /** -1 when the current record began before the scan did. */
  #recordStart = 0
  /** The start of the last whole record, which the next one must name; -1 while there is none. */
  #previousStart = -1
  #previousEnd: number
  readonly #pageHeader = Buffer.alloc(LONG_HEADER)
  /** How much of a page header is here; -1 within a page. */
  #pageHeaderLength = -1
  #isFirstPage = true
  /** After a switch record the rest of the segment holds nothing. */
  #skipToSegmentEnd = false

  constructor(
    start: Lsn,
    private readonly segmentBytes: number,
    private readonly onCommit: (commit: CommitRecord) => void,
    /** Told where a record begins that creates a tablespace. */
    private readonly onTablespace: (startLsn: Lsn) => void = () => undefined,
  ) {
    this.#at = Number(start)
    this.#previousEnd = this.#at
    assert(this.#at % segmentBytes === 0, 'a scan begins at the start of a segment')
  }

  /** Where the next fed byte belongs. */
  get position(): Lsn {
    return BigInt(this.#at) as Lsn
  }

  /** The end of the last record that was seen whole. */
  get lastRecordEnd(): Lsn {
    return BigInt(this.#previousEnd) as Lsn
  }

  /** @throws LifeboatError `VaultDamaged` naming the position; the scanner is of no use after that */
  feed(bytes: Buffer): void {
    let from = 0
    while (from < bytes.length) {
      const offset = this.#at % PAGE_BYTES
      if (offset === 0 && this.#pageHeaderLength < 0) this.#pageHeaderLength = 0
      if (this.#pageHeaderLength >= 0) {
        const used = this.#takePageHeader(bytes, from)
        from += used
        this.#at += used
        continue
      }
      const end = from + Math.min(bytes.length - from, PAGE_BYTES - offset)
      if (this.#left < 0 && !this.#skipToSegmentEnd) from = this.#passWholeRecords(bytes, from, end)
      if (from === end) continue
      const used = this.#takeRecord(bytes, from, end - from)
      from += used
      this.#at += used
    }
  }

  /** Passes over the records that lie whole in one page of `bytes`; returns where the first other one begins. */
  #passWholeRecords(bytes: Buffer, start: number, end: number): number {
    const shift = this.#at - start
    let from = start
    for (;;) {
      const begin = from + ((8 - ((from + shift) & 7)) & 7)
      if (begin + RECORD_HEADER > end) break
      const length = uint32(bytes, begin)
      const next = begin + ((length + 7) & ~7)
      if (length < RECORD_HEADER || length >= MAX_RECORD_BYTES || next > end) break
      this.#recordStart = begin + shift
      this.#checkPrevious(uint32(bytes, begin + 8) + uint32(bytes, begin + 12) * 0x1_0000_0000)
      const manager = bytes[begin + 17]!
      if (manager <= RM_TABLESPACE) {
        const info = bytes[begin + 16]!
        if (isSwitch(manager, info)) break
        this.#report(manager, info, bytes, begin, length)
      }
      this.#previousStart = this.#recordStart
      this.#previousEnd = next + shift
      from = next
    }
    this.#at = from + shift
    return from
  }

  #takePageHeader(bytes: Buffer, from: number): number {
    const pageStart = this.#at - this.#pageHeaderLength
    const isSegmentStart = pageStart % this.segmentBytes === 0
    const size = isSegmentStart ? LONG_HEADER : SHORT_HEADER
    const used = Math.min(size - this.#pageHeaderLength, bytes.length - from)
    bytes.copy(this.#pageHeader, this.#pageHeaderLength, from, from + used)
    this.#pageHeaderLength += used
    if (this.#pageHeaderLength < size) return used

    this.#pageHeaderLength = -1
    if (isSegmentStart) this.#skipToSegmentEnd = false
    if (!this.#skipToSegmentEnd) this.#beginPage(pageStart)
    return used
  }

  #beginPage(pageStart: number): void {
    const header = this.#pageHeader
    const address = uint32(header, 8) + uint32(header, 12) * 0x1_0000_0000
    if (header[1] !== MAGIC_HIGH || address !== pageStart) {
      throw this.#damaged(pageStart, 'no page of the log begins there')
    }
    const isContinued = (header.readUInt16LE(2) & FIRST_IS_CONTINUED) !== 0
    const remaining = uint32(header, 16)
    if (this.#isFirstPage) {
      this.#isFirstPage = false
      if (isContinued) this.#beginUnknownRecord(remaining)
    } else if (!isContinued) {
      // The server crashed in the middle of a record and gave it up: it goes on with others from this page on.
      this.#left = -1
    } else if (remaining !== this.#left) {
      throw this.#damaged(pageStart, 'the page does not go on with the record before it')
    }
  }

  /** The rest of a record whose beginning lies before the scan: it is passed over. */
  #beginUnknownRecord(length: number): void {
    this.#left = length
    this.#headLength = HEAD_BYTES
    this.#recordStart = -1
  }

  #takeRecord(bytes: Buffer, from: number, available: number): number {
    if (this.#skipToSegmentEnd) return available
    if (this.#left < 0) {
      const padding = (8 - (this.#at % 8)) % 8
      if (padding > 0) return Math.min(padding, available)
      this.#left = 0
      this.#headLength = 0
      this.#recordStart = this.#at
    }
    return this.#headLength < 4
      ? this.#takeLength(bytes, from, available)
      : this.#takeBody(bytes, from, available)
  }

  /** A record's first four bytes: its length. They never span pages, but they may span pieces. */
  #takeLength(bytes: Buffer, from: number, available: number): number {
    const used = Math.min(4 - this.#headLength, available)
    bytes.copy(this.#head, this.#headLength, from, from + used)
    this.#headLength += used
    if (this.#headLength < 4) return used

    const length = uint32(this.#head, 0)
    if (length < RECORD_HEADER || length >= MAX_RECORD_BYTES) {
      throw this.#damaged(this.#recordStart, `no record is ${length} bytes long`)
    }
    this.#left = length - 4
    return used
  }

  #takeBody(bytes: Buffer, from: number, available: number): number {
    const used = Math.min(this.#left, available)
    if (this.#headLength < HEAD_BYTES) {
      const wanted = Math.min(used, HEAD_BYTES - this.#headLength)
      this.#headLength += bytes.copy(this.#head, this.#headLength, from, from + wanted)
    }
    this.#left -= used
    if (this.#left === 0) this.#endRecord(this.#at + used)
    return used
  }

  #endRecord(end: number): void {
    this.#left = -1
    if (this.#recordStart >= 0) {
      const info = this.#head[16]!
      const manager = this.#head[17]!
      this.#checkPrevious(uint32(this.#head, 8) + uint32(this.#head, 12) * 0x1_0000_0000)
      this.#previousStart = this.#recordStart
      this.#report(manager, info, this.#head, 0, this.#headLength)
      if (isSwitch(manager, info)) {
        this.#skipToSegmentEnd = end % this.segmentBytes !== 0
        this.#previousEnd = Math.ceil(end / this.segmentBytes) * this.segmentBytes
        return
      }
    }
    this.#previousEnd = end + ((8 - (end % 8)) % 8)
  }

  #checkPrevious(named: number): void {
    if (this.#previousStart >= 0 && named !== this.#previousStart) {
      throw this.#damaged(this.#recordStart, 'the record there does not follow the one before it')
    }
  }

  #report(manager: number, info: number, bytes: Buffer, at: number, length: number): void {
    if (manager === RM_XACT) this.#reportCommit(info, bytes.subarray(at, at + length))
    if (manager === RM_TABLESPACE && (info & 0xf0) === TABLESPACE_CREATE) {
      this.onTablespace(BigInt(this.#recordStart) as Lsn)
    }
  }

  /** @param head  the record's beginning: all of it that a commit's time can lie in */
  #reportCommit(info: number, head: Buffer): void {
    const operation = info & XACT_OPERATION
    if (operation !== XACT_COMMIT && operation !== XACT_COMMIT_PREPARED) return
    const at = mainDataOffset(head)
    if (at < 0 || at + 8 > head.length) {
      throw this.#damaged(this.#recordStart, 'the commit there has no time')
    }
    this.onCommit({
      startLsn: BigInt(this.#recordStart) as Lsn,
      previousEnd: BigInt(this.#previousEnd) as Lsn,
      timeUs: Number(head.readBigInt64LE(at)) + POSTGRES_EPOCH_US,
    })
  }

  #damaged(at: number, reason: string): LifeboatError {
    const position = formatLsn(BigInt(at) as Lsn)
    return new LifeboatError(
      'VaultDamaged',
      `the write-ahead log cannot be read at ${position}: ${reason}`,
      { hint: 'Take a new base backup behind that position.' },
    )
  }
}

function isSwitch(manager: number, info: number): boolean {
  return manager === RM_XLOG && (info & 0xf0) === XLOG_SWITCH
}

/** Faster than readUInt32LE, which checks its arguments: this runs for every record. */
function uint32(bytes: Buffer, at: number): number {
  return (
    (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  )
}

/** Where the main data of a record without blocks begins, or -1. */
export function mainDataOffset(head: Buffer): number {
  let at = RECORD_HEADER
  while (at < HEAD_BYTES - 8) {
    const id = head[at]
    if (id === 255) return at + 2
    if (id === 254) return at + 5
    if (id === 253) at += 3
    else if (id === 252) at += 5
    else return -1
  }
  return -1
}
