const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1
  return crc >>> 0
})

/** CRC-32C (Castagnoli), the checksum of PostgreSQL's control file and of its WAL records. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed >>> 0
  for (let at = 0; at < bytes.length; at++) crc = (crc >>> 8) ^ TABLE[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}
