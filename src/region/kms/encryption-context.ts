/** Pairs that are no secret and without which a ciphertext cannot be decrypted again. */
export type EncryptionContext = Readonly<Record<string, string>>

/** The same bytes for the same pairs, in whichever order they came. */
export function contextBytes(context: EncryptionContext = {}): Buffer {
  const pairs = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))
  return Buffer.from(JSON.stringify(pairs))
}
