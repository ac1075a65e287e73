import { createHash, timingSafeEqual } from 'node:crypto'

/** Whether a header names a token; in the same time for every header, and never when there is no token. */
export function isBearer(authorization = '', token: string | undefined): boolean {
  const isSame = timingSafeEqual(digest(authorization), digest(`Bearer ${token ?? ''}`))
  return isSame && token !== undefined
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
