/**
 * The order in which S3 lists keys: that of their UTF-8 bytes. Negative when `a` comes first.
 *
 * JavaScript compares UTF-16 units, which puts the characters beyond U+FFFF, written with surrogates, before those from
 * U+E000 on. Source: S3 User Guide, "Listing object keys programmatically".
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = placeOf(a.charCodeAt(i)) - placeOf(b.charCodeAt(i))
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

const SURROGATES = 0xd800
const BEHIND_SURROGATES = 0xe000

function placeOf(unit: number): number {
  if (unit < SURROGATES) return unit
  return unit < BEHIND_SURROGATES ? unit + 0x2000 : unit - 0x800
}
