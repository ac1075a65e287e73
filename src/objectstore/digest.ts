import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

export type DigestName = 'md5' | 'sha1' | 'sha256' | 'sha512' | 'crc32' | 'crc32c' | 'crc64nvme'

/** A checksum over bytes that come piece by piece. Of a CRC the digest is its big-endian bytes. */
export interface Digest {
  update(bytes: Buffer): void
  digest(): Buffer
}

export function newDigest(name: DigestName): Digest {
  if (name === 'crc32') return new Crc32()
  if (name === 'crc32c') return new Crc32c()
  if (name === 'crc64nvme') return new Crc64Nvme()
  return createHash(name)
}

class Crc32 implements Digest {
  #value = 0

  update(bytes: Buffer): void {
    this.#value = crc32(bytes, this.#value)
  }

  digest(): Buffer {
    return fourBytes(this.#value)
  }
}

/** Castagnoli's polynomial, reflected. */
const CRC32C = 0x82f63b78
/** Eight tables: the CRC of a byte that stands up to seven bytes before the end. */
const crc32cTables = tablesOf(CRC32C)

class Crc32c implements Digest {
  #value = 0xffff_ffff

  update(bytes: Buffer): void {
    const [t0, t1, t2, t3, t4, t5, t6, t7] = crc32cTables
    let value = this.#value
    let at = 0
    for (; at + 8 <= bytes.length; at += 8) {
      value ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
      value =
        t7![value & 0xff]! ^
        t6![(value >>> 8) & 0xff]! ^
        t5![(value >>> 16) & 0xff]! ^
        t4![value >>> 24]! ^
        t3![bytes[at + 4]!]! ^
        t2![bytes[at + 5]!]! ^
        t1![bytes[at + 6]!]! ^
        t0![bytes[at + 7]!]!
    }
    for (; at < bytes.length; at++) {
      value = (value >>> 8) ^ t0![(value ^ bytes[at]!) & 0xff]!
    }
    this.#value = value >>> 0
  }

  digest(): Buffer {
    return fourBytes((this.#value ^ 0xffff_ffff) >>> 0)
  }
}

/** The polynomial of the NVMe specification, reflected, as two halves. */
const CRC64_HIGH = 0x9a6c9329
const CRC64_LOW = 0xac4bc9b5
const crc64Tables = crc64TablesOf()

class Crc64Nvme implements Digest {
  // As signed numbers, which arithmetic on 32 bits is fast with.
  #high = -1
  #low = -1

  update(bytes: Buffer): void {
    const [highs, lows] = crc64Tables
    let high = this.#high
    let low = this.#low
    let at = 0
    for (; at + 8 <= bytes.length; at += 8) {
      low ^= fourBytesAt(bytes, at)
      high ^= fourBytesAt(bytes, at + 4)
      // A byte's table is that of its distance from the end of the eight.
      const i7 = 1792 + (low & 0xff)
      const i6 = 1536 + ((low >>> 8) & 0xff)
      const i5 = 1280 + ((low >>> 16) & 0xff)
      const i4 = 1024 + (low >>> 24)
      const i3 = 768 + (high & 0xff)
      const i2 = 512 + ((high >>> 8) & 0xff)
      const i1 = 256 + ((high >>> 16) & 0xff)
      const i0 = high >>> 24
      const far = lows[i7]! ^ lows[i6]! ^ lows[i5]! ^ lows[i4]!
      low = far ^ lows[i3]! ^ lows[i2]! ^ lows[i1]! ^ lows[i0]!
      const farHigh = highs[i7]! ^ highs[i6]! ^ highs[i5]! ^ highs[i4]!
      high = farHigh ^ highs[i3]! ^ highs[i2]! ^ highs[i1]! ^ highs[i0]!
    }
    for (; at < bytes.length; at++) {
      const index = (low ^ bytes[at]!) & 0xff
      low = ((low >>> 8) | (high << 24)) ^ lows[index]!
      high = (high >>> 8) ^ highs[index]!
    }
    this.#high = high
    this.#low = low
  }

  digest(): Buffer {
    return Buffer.concat([
      fourBytes((this.#high ^ 0xffff_ffff) >>> 0),
      fourBytes((this.#low ^ 0xffff_ffff) >>> 0),
    ])
  }
}

function tablesOf(polynomial: number): Uint32Array[] {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256))
  for (let byte = 0; byte < 256; byte++) {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1
    tables[0]![byte] = value
  }
  for (let distance = 1; distance < 8; distance++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = tables[distance - 1]![byte]!
      tables[distance]![byte] = (before >>> 8) ^ tables[0]![before & 0xff]!
    }
  }
  return tables
}

/** Eight tables in a row: the CRC of a byte that stands up to seven bytes before the end. */
function crc64TablesOf(): [Int32Array, Int32Array] {
  const highs = new Int32Array(8 * 256)
  const lows = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let high = 0
    let low = byte
    for (let bit = 0; bit < 8; bit++) {
      const isOdd = low & 1
      low = (low >>> 1) | ((high & 1) << 31)
      high = high >>> 1
      if (!isOdd) continue
      high ^= CRC64_HIGH
      low ^= CRC64_LOW
    }
    highs[byte] = high
    lows[byte] = low
  }
  for (let at = 256; at < highs.length; at++) {
    const high = highs[at - 256]!
    const low = lows[at - 256]!
    highs[at] = (high >>> 8) ^ highs[low & 0xff]!
    lows[at] = ((low >>> 8) | (high << 24)) ^ lows[low & 0xff]!
  }
  return [highs, lows]
}

function fourBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function fourBytesAt(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}
