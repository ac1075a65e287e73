/** Randomness as a parameter (I7), so that a simulation is its seed. */
export interface Random {
  /** `length` lower-case hex digits. */
  hex(length: number): string
}

/** Cryptographically strong: fit for passwords, keys and identifiers. */
export const systemRandom: Random = {
  hex(length) {
    const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(length / 2)))
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
      .join('')
      .slice(0, length)
  },
}
