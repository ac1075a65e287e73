import { writeSync } from 'node:fs'
import { inspect } from 'node:util'

const STDERR = 2

/**
 * Writes an error to stderr, which is a region's log file. Where the disk is full the line is lost, and nothing else:
 * a stream that is refused, and so `console.error`, can end the process.
 */
export function logError(error: unknown): void {
  try {
    writeSync(STDERR, `${inspect(error)}\n`)
  } catch {
    // Nowhere is left to tell it.
  }
}
