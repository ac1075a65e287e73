import { open, stat } from 'node:fs/promises'
import { RdsFault } from './faults.ts'
import type { LiveInstance } from './live-instance.ts'
import type { Rds } from './rds.ts'

/**
 * The one log file of an instance, by its name on RDS.
 *
 * Unlike AWS: there is one file, not one for every hour.
 */
export const LOG_FILE = 'error/postgresql.log'

/** Size and time of the log. @throws RdsFault `DBInstanceNotReady` before the server has written one */
export async function logStatus(
  rds: Rds,
  instance: LiveInstance,
): Promise<{ sizeBytes: number; writtenAt: Date }> {
  try {
    const { size, mtime } = await stat(pathOf(rds, instance))
    return { sizeBytes: size, writtenAt: mtime }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new RdsFault(
      'DBInstanceNotReadyFault',
      `DB instance ${instance.record.identifier} has no log files yet.`,
    )
  }
}

/** Reads up to `length` bytes of the log. */
export async function readLog(
  rds: Rds,
  instance: LiveInstance,
  { start, length }: { start: number; length: number },
): Promise<Buffer> {
  const file = await open(pathOf(rds, instance), 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

function pathOf(rds: Rds, { record }: LiveInstance): string {
  return `${rds.folder('instances', record.resourceId)}/data.log`
}
