import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { combinedCrc } from './combined-crc.ts'

test('is the CRC of the whole, for any cut', () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(parts, (bytes) => {
      const each = bytes.map((part) => ({ bytes: crcOf(part), sizeBytes: part.length }))
      expect(combinedCrc('CRC32', each)).toEqual(crcOf(Buffer.concat(bytes)))
    }),
  )
})

function crcOf(bytes: Uint8Array): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32BE(crc32(bytes))
  return buffer
}
