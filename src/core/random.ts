/** Randomness as a parameter (I7), so that a simulation is its seed. */
export interface Random {
  /** `length` lower-case hex digits. */
  hex(length: number): string
}

/** Cryptographically strong: fit for passwords, keys and identifiers. */
export const systemRandom: Random = {
  hex(length) {
    const count = Math.ceil(length / 2)
    let text = ''
    for (const byte of count > POOL_BYTES ? filled(count) : taken(count)) text += HEX[byte]
    return text.slice(0, length)
  },
}

/** To ask the system takes longer than to write down what it says. */
const POOL_BYTES = 4096
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
let pool = new Uint8Array(0)
let used = 0

/** Bytes that nobody gets again. */
function taken(count: number): Uint8Array {
  if (used + count > pool.length) {
    pool = filled(POOL_BYTES)
    used = 0
  }
  const bytes = pool.slice(used, used + count)
  pool.fill(0, used, used + count)
  used += count
  return bytes
}

function filled(count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count)
  // It gives so many at a time.
  for (let at = 0; at < count; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}
