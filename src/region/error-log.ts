import { writeSync } from 'node:fs'
import { inspect } from 'node:util'

const STDERR = 2

/**
 * Writes an error to stderr, which is a region's log file. Where the disk is full the line is lost, and nothing
 * else: `console.error` would end the process, because the stream's failure comes as an event that nobody awaits.
 */
export function logError(error: unknown): void {
  try {
    writeSync(STDERR, `${inspect(error)}\n`)
  } catch (failure) {
    if (!isUnwritable(failure)) throw failure
  }
}

function isUnwritable(failure: unknown): boolean {
  const { code } = failure as NodeJS.ErrnoException
  return ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS', 'EPIPE', 'EAGAIN'].includes(code ?? '')
}
