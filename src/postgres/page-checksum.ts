/** Every page of a data file. Source: pg_config.h, BLCKSZ. */
export const PAGE_BYTES = 8192

const SUMS = 32
const FNV_PRIME = 16_777_619
/** Source: checksum_impl.h, checksumBaseOffsets. */
// prettier-ignore
const BASE_OFFSETS = [
  0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c,
  0xf8d4474f, 0xe39eb970, 0x42c6ae16, 0x993216fa, 0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb,
  0xe58f764b, 0x187636bc, 0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4,
  0x783125bb, 0x6ca8eaa2, 0xe407eac6, 0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756,
]

/** Where a page's checksum stands in its header: two bytes, little-endian. Source: bufpage.h, PageHeaderData. */
export const CHECKSUM_AT = 8

/**
 * The checksum that PostgreSQL wants in a page, for a handful of pages; a backup checks millions, elsewhere.
 *
 * @param block  the page's number within its relation: a page in a wrong place is a wrong page
 * Source: checksum_impl.h, pg_checksum_page
 */
export function pageChecksum(page: Buffer, block: number): number {
  const sums = Uint32Array.from(BASE_OFFSETS)
  const mix = (lane: number, value: number) => {
    const mixed = (sums[lane]! ^ value) >>> 0
    sums[lane] = Math.imul(mixed, FNV_PRIME) ^ (mixed >>> 17)
  }
  for (let at = 0; at < PAGE_BYTES; at += 4) {
    // The field itself counts as zero; it shares its word with pd_flags.
    const word = page.readUInt32LE(at)
    mix((at / 4) % SUMS, at === CHECKSUM_AT ? (word & 0xffff_0000) >>> 0 : word)
  }
  for (let round = 0; round < 2; round++) for (let lane = 0; lane < SUMS; lane++) mix(lane, 0)
  const folded = sums.reduce((all, sum) => (all ^ sum) >>> 0, 0)
  return (((folded ^ block) >>> 0) % 65_535) + 1
}
