import { LifeboatError } from '../core/errors.ts'

const MAX_BYTES = 1024

/** A key is any text of 1 to 1,024 bytes of UTF-8. @throws LifeboatError `ObjectKeyInvalid` */
export function checkKey(key: string): void {
  const bytes = Buffer.from(key)
  if (bytes.length === 0 || bytes.length > MAX_BYTES) {
    throw new LifeboatError(
      'ObjectKeyInvalid',
      `a key has 1 to ${MAX_BYTES} bytes, not ${bytes.length}`,
    )
  }
  // Half a surrogate pair has no bytes of its own: two keys would be one.
  if (bytes.toString() !== key) {
    throw new LifeboatError('ObjectKeyInvalid', 'a key is text that has a form in UTF-8')
  }
}
