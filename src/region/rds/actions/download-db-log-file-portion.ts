import type { DownloadDBLogFilePortionMessage } from '../../protocol/models/rds.ts'
import { invalidValue, RdsFault } from '../faults.ts'
import { LOG_FILE, logStatus, readLog } from '../instance-log.ts'
import type { Rds } from '../rds.ts'

const MOST_BYTES = 1 << 20
const MOST_LINES = 10_000

/**
 * DownloadDBLogFilePortion: whole lines from a marker on, or the last ones; at most 1 MiB and 10,000 lines.
 *
 * Source: Amazon RDS API Reference, DownloadDBLogFilePortion.
 */
export async function downloadDBLogFilePortion(rds: Rds, input: DownloadDBLogFilePortionMessage) {
  const instance = rds.getInstance(input.DBInstanceIdentifier ?? '')
  if (input.LogFileName !== LOG_FILE) {
    throw new RdsFault('DBLogFileNotFoundFault', `DBLog File: ${input.LogFileName}, is not found.`)
  }
  const most = Math.min(input.NumberOfLines ?? MOST_LINES, MOST_LINES)
  if (most < 1) throw invalidValue('NumberOfLines must be at least 1.')
  const { sizeBytes } = await logStatus(rds, instance)
  const isTail = input.Marker === undefined
  const start = isTail ? Math.max(0, sizeBytes - MOST_BYTES) : readMarker(input.Marker)
  const bytes = await readLog(rds, instance, { start, length: MOST_BYTES })
  const lines = bytes.toString('latin1').split(/(?<=\n)/)
  const chosen = (isTail ? lines.slice(-most) : lines.slice(0, most)).join('')
  const end = isTail ? start + bytes.length : start + chosen.length
  return {
    LogFileData: legible(Buffer.from(chosen, 'latin1')),
    Marker: String(end),
    AdditionalDataPending: end < sizeBytes,
  }
}

function readMarker(marker: string | undefined): number {
  if (/^\d{1,15}$/.test(marker ?? '')) return Number(marker)
  throw invalidValue(`Invalid marker: ${marker}`)
}

/** XML cannot carry control characters. */
function legible(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '?')
}
