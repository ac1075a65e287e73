import type { Lsn } from '../../src/core/lsn.ts'

const PAGE_BYTES = 8192
const EPOCH_US = 946_684_800_000_000
export const RM_XACT = 1
const RM_OTHER = 10

/** Writes WAL as PostgreSQL does: pages with headers, records that span pages and segments. */
export class SyntheticWal {
  #chunks: Buffer[] = []
  #previous = 0
  #at: number
  readonly #start: number

  constructor(
    start: Lsn,
    private readonly segmentBytes: number,
  ) {
    this.#start = Number(start)
    this.#at = this.#start
  }

  get position(): number {
    return this.#at
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** Room for records up to the end of the segment, page headers not counted. */
  roomInSegment(): number {
    let room = 0
    for (let at = this.#at; at < this.#segmentEnd(); ) {
      const header = this.#headerAt(at)
      const end = Math.min(at - (at % PAGE_BYTES) + PAGE_BYTES, this.#segmentEnd())
      room += end - at - header
      at = end
    }
    return room
  }

  /** A commit at that time; returns where it begins. */
  commit(timeUs: number, length = 48): Lsn {
    return this.#record(length, RM_XACT, timeUs)
  }

  /** Any other record. */
  filler(length: number): Lsn {
    return this.#record(length, RM_OTHER)
  }

  /** The beginning of a record up to the end of its page; a crash kept the rest from being written. */
  torn(length: number): void {
    const room = PAGE_BYTES - (this.#at % PAGE_BYTES) - this.#headerAt(this.#at)
    const previous = this.#previous
    this.#put(this.#bytesOf(length, RM_OTHER).subarray(0, room), length)
    this.#previous = previous
  }

  #record(length: number, manager: number, timeUs?: number): Lsn {
    const start = this.#at + this.#headerAt(this.#at)
    this.#put(this.#bytesOf(length, manager, timeUs), length)
    this.#previous = start
    return BigInt(start) as Lsn
  }

  #bytesOf(length: number, manager: number, timeUs?: number): Buffer {
    const bytes = Buffer.alloc(Math.ceil(length / 8) * 8, manager === RM_XACT ? 0 : 0x5a)
    bytes.fill(0, 0, 24)
    bytes.writeUInt32LE(length, 0)
    bytes.writeBigUInt64LE(BigInt(this.#previous), 8)
    bytes[17] = manager
    if (timeUs !== undefined) {
      bytes[24] = 255
      bytes.writeBigInt64LE(BigInt(timeUs - EPOCH_US), 26)
    }
    return bytes
  }

  #put(bytes: Buffer, length: number): void {
    for (let offset = 0; offset < bytes.length; ) {
      if (this.#at % PAGE_BYTES === 0) this.#header(offset > 0 ? length - offset : 0)
      const part = bytes.subarray(offset, offset + PAGE_BYTES - (this.#at % PAGE_BYTES))
      this.#chunks.push(part)
      this.#at += part.length
      offset += part.length
    }
  }

  #header(continued: number): void {
    const header = Buffer.alloc(this.#headerAt(this.#at))
    header.writeUInt16LE(0xd118, 0)
    header.writeUInt16LE(continued > 0 ? 1 : 0, 2)
    header.writeUInt32LE(1, 4)
    header.writeBigUInt64LE(BigInt(this.#at), 8)
    header.writeUInt32LE(continued, 16)
    this.#chunks.push(header)
    this.#at += header.length
  }

  #headerAt(at: number): number {
    if (at % PAGE_BYTES !== 0) return 0
    return at % this.segmentBytes === 0 ? 40 : 24
  }

  #segmentEnd(): number {
    return this.#at - (this.#at % this.segmentBytes) + this.segmentBytes
  }
}
