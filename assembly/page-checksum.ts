// PostgreSQL's page checksum for many pages at once, in WebAssembly SIMD.
// Source: PostgreSQL, src/include/storage/checksum_impl.h.
//
// Build: npm run build:wasm (the result is committed, as it changes with PostgreSQL's page format only).

const PAGE: i32 = 8192
const PRIME: i32 = 16777619

@inline
function mix(sum: v128, value: v128): v128 {
  const t = v128.xor(sum, value)
  return v128.xor(i32x4.mul(t, i32x4.splat(PRIME)), i32x4.shr_u(t, 17))
}

@inline
function fold(sum: v128): i32 {
  return (
    i32x4.extract_lane(sum, 0) ^
    i32x4.extract_lane(sum, 1) ^
    i32x4.extract_lane(sum, 2) ^
    i32x4.extract_lane(sum, 3)
  )
}

/**
 * Checks `count` pages at `pages`, the first of which is block `block` of its relation. For each page one byte goes to
 * `verdicts`: 0 sound, 1 damaged, 2 never written (all header fields zero).
 */
export function checkPages(pages: i32, count: i32, block: i32, verdicts: i32): void {
  for (let i: i32 = 0; i < count; i++) {
    const page = pages + i * PAGE
    let verdict: i32 = 2
    if (load<u16>(page + 14) != 0) {
      const stored = load<u16>(page + 8)
      store<u16>(page + 8, 0)
      verdict = checksum(page, block + i) == stored ? 0 : 1
      store<u16>(page + 8, stored)
    }
    store<u8>(verdicts + i, <u8>verdict)
  }
}

function checksum(page: i32, block: i32): u16 {
  let s0 = i32x4(0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a)
  let s1 = i32x4(0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c)
  let s2 = i32x4(0xf8d4474f, 0xe39eb970, 0x42c6ae16, 0x993216fa)
  let s3 = i32x4(0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb)
  let s4 = i32x4(0xe58f764b, 0x187636bc, 0x5d7b3bb1, 0xe73de7de)
  let s5 = i32x4(0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4)
  let s6 = i32x4(0x783125bb, 0x6ca8eaa2, 0xe407eac6, 0x4b5cfc3e)
  let s7 = i32x4(0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756)
  for (let at: i32 = 0; at < PAGE; at += 128) {
    const row = page + at
    s0 = mix(s0, v128.load(row))
    s1 = mix(s1, v128.load(row + 16))
    s2 = mix(s2, v128.load(row + 32))
    s3 = mix(s3, v128.load(row + 48))
    s4 = mix(s4, v128.load(row + 64))
    s5 = mix(s5, v128.load(row + 80))
    s6 = mix(s6, v128.load(row + 96))
    s7 = mix(s7, v128.load(row + 112))
  }
  const zero = i32x4.splat(0)
  for (let round: i32 = 0; round < 2; round++) {
    s0 = mix(s0, zero)
    s1 = mix(s1, zero)
    s2 = mix(s2, zero)
    s3 = mix(s3, zero)
    s4 = mix(s4, zero)
    s5 = mix(s5, zero)
    s6 = mix(s6, zero)
    s7 = mix(s7, zero)
  }
  const all = v128.xor(
    v128.xor(v128.xor(s0, s1), v128.xor(s2, s3)),
    v128.xor(v128.xor(s4, s5), v128.xor(s6, s7)),
  )
  return <u16>(((<u32>(fold(all) ^ block)) % 65535) + 1)
}
