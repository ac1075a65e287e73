import { assert } from '../../core/assert.ts'
import type { Lsn } from '../../core/lsn.ts'

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
/** Enough of a record for its header, the block identifiers before the main data, and a commit's time. */
const HEAD_BYTES = 64
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
 * page headers may be cut anywhere. Positions are plain numbers inside, exact up to 8 PiB of WAL.
 *
 * Source: PostgreSQL's access/xlogrecord.h, access/xlog_internal.h, access/xact.h (versions 15 to 18).
 */
export class RecordScanner {
  #at: number
  /** Bytes of the current record that are still to come, page headers not counted. -1: between records. */
  #left = -1
  #head = Buffer.alloc(HEAD_BYTES)
  #headLength = 0
  #recordStart = 0
  #totalLength = 0
  #previousEnd: number
  #pageHeader = Buffer.alloc(LONG_HEADER)
  #pageHeaderLength = -1
  /** Until the first page header has said how much of it belongs to a record from before. */
  #isSynchronized = false
  /** After a switch record, or where nothing was written: the rest of the segment holds no records. */
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

  feed(bytes: Buffer): void {
    let from = 0
    while (from < bytes.length) {
      const offset = this.#at % PAGE_BYTES
      if (offset === 0 && this.#pageHeaderLength < 0) this.#pageHeaderLength = 0
      const used =
        this.#pageHeaderLength >= 0
          ? this.#takePageHeader(bytes, from)
          : this.#takeRecord(bytes, from, Math.min(bytes.length - from, PAGE_BYTES - offset))
      from += used
      this.#at += used
    }
  }

  #takePageHeader(bytes: Buffer, from: number): number {
    const pageStart = this.#at - this.#pageHeaderLength
    const size = pageStart % this.segmentBytes === 0 ? LONG_HEADER : SHORT_HEADER
    const used = Math.min(size - this.#pageHeaderLength, bytes.length - from)
    bytes.copy(this.#pageHeader, this.#pageHeaderLength, from, from + used)
    this.#pageHeaderLength += used
    if (this.#pageHeaderLength < size) return used

    this.#pageHeaderLength = -1
    if (pageStart % this.segmentBytes === 0) this.#skipToSegmentEnd = false
    const isContinued = (this.#pageHeader.readUInt16LE(2) & FIRST_IS_CONTINUED) !== 0
    if (!this.#isSynchronized) {
      this.#isSynchronized = true
      if (isContinued) this.#beginUnknownRecord(this.#pageHeader.readUInt32LE(16))
    } else if (!isContinued) {
      // A crash left a record without its end: the server goes on with others from this page on.
      this.#left = -1
    }
    return used
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
      this.#totalLength = 0
      this.#recordStart = this.#at
    }
    return this.#totalLength === 0 && this.#recordStart >= 0
      ? this.#takeLength(bytes, from, available)
      : this.#takeBody(bytes, from, available)
  }

  /** A record's first four bytes: its length. They never span pages, but they may span pieces. */
  #takeLength(bytes: Buffer, from: number, available: number): number {
    const used = Math.min(4 - this.#headLength, available)
    bytes.copy(this.#head, this.#headLength, from, from + used)
    this.#headLength += used
    if (this.#headLength < 4) return used

    const length = this.#head.readUInt32LE(0)
    if (length < RECORD_HEADER) {
      this.#left = -1
      this.#skipToSegmentEnd = true
      return used
    }
    this.#totalLength = length
    this.#left = length - 4
    return used
  }

  #takeBody(bytes: Buffer, from: number, available: number): number {
    const used = Math.min(this.#left, available)
    if (this.#headLength < HEAD_BYTES) {
      const copied = bytes.copy(
        this.#head,
        this.#headLength,
        from,
        from + Math.min(used, HEAD_BYTES - this.#headLength),
      )
      this.#headLength += copied
    }
    this.#left -= used
    if (this.#left === 0) this.#endRecord(this.#at + used)
    return used
  }

  #endRecord(end: number): void {
    this.#left = -1
    const alignedEnd = end + ((8 - (end % 8)) % 8)
    if (this.#recordStart >= 0) {
      const info = this.#head[16]!
      const resourceManager = this.#head[17]!
      if (resourceManager === RM_XACT) this.#reportCommit(info)
      if (resourceManager === RM_TABLESPACE && (info & 0xf0) === TABLESPACE_CREATE) {
        this.onTablespace(BigInt(this.#recordStart) as Lsn)
      }
      if (resourceManager === RM_XLOG && (info & 0xf0) === XLOG_SWITCH) {
        this.#skipToSegmentEnd = true
        this.#previousEnd = (Math.floor((end - 1) / this.segmentBytes) + 1) * this.segmentBytes
        return
      }
    }
    this.#previousEnd = alignedEnd
  }

  #reportCommit(info: number): void {
    const operation = info & XACT_OPERATION
    if (operation !== XACT_COMMIT && operation !== XACT_COMMIT_PREPARED) return
    const at = mainDataOffset(this.#head)
    if (at < 0 || at + 8 > this.#headLength) return
    this.onCommit({
      startLsn: BigInt(this.#recordStart) as Lsn,
      previousEnd: BigInt(this.#previousEnd) as Lsn,
      timeUs: Number(this.#head.readBigInt64LE(at)) + POSTGRES_EPOCH_US,
    })
  }
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
