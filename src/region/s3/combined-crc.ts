import { assert } from '../../core/assert.ts'
import type { ChecksumAlgorithm } from './checksums.ts'

/** Reflected polynomials. Source: the CRC catalogue: CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME. */
const POLYNOMIALS: Partial<Record<ChecksumAlgorithm, { bits: number; polynomial: bigint }>> = {
  CRC32: { bits: 32, polynomial: 0xedb88320n },
  CRC32C: { bits: 32, polynomial: 0x82f63b78n },
  CRC64NVME: { bits: 64, polynomial: 0x9a6c9329ac4bc9b5n },
}

/** A linear map over bits: what each single bit becomes. */
type Matrix = readonly bigint[]

/**
 * The CRC of a whole from those of its parts, without its bytes: that of the first is advanced by as many zero
 * bytes as the second has, which is a matrix raised to that power, and added to the second's.
 */
export function combinedCrc(
  algorithm: ChecksumAlgorithm,
  parts: readonly { bytes: Buffer; sizeBytes: number }[],
): Buffer {
  const kind = POLYNOMIALS[algorithm]
  assert(kind, 'only a CRC of a whole can be had from its parts')
  const { bits, polynomial } = kind
  const powers = [byteStep(bits, polynomial)]
  let crc = 0n
  for (const { bytes, sizeBytes } of parts) {
    let left = sizeBytes
    for (let index = 0; left > 0; index += 1) {
      const last = powers.at(-1)!
      if (index === powers.length) powers.push(last.map((column) => times(last, column)))
      if (left % 2 === 1) crc = times(powers[index]!, crc)
      left = Math.floor(left / 2)
    }
    crc ^= BigInt(`0x${bytes.toString('hex') || '0'}`)
  }
  return Buffer.from(crc.toString(16).padStart(bits / 4, '0'), 'hex')
}

/** What one zero byte does to a CRC. */
function byteStep(bits: number, polynomial: bigint): Matrix {
  return Array.from({ length: bits }, (_, bit) => {
    let value = 1n << BigInt(bit)
    for (let i = 0; i < 8; i += 1) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n
    return value
  })
}

function times(matrix: Matrix, vector: bigint): bigint {
  let sum = 0n
  for (let bit = 0, rest = vector; rest > 0n; bit += 1, rest >>= 1n) {
    if (rest & 1n) sum ^= matrix[bit]!
  }
  return sum
}
