/**
 * Writes an error to stderr, which is a region's log file. Where the disk is full the line is lost, and nothing else:
 * the console ignores what its stream refuses. `process.stderr.write` would end the process.
 */
export function logError(error: unknown): void {
  console.error(error)
}
