import { formatLsn, type Lsn } from '../../core/lsn.ts'
import type { WalArchive } from '../wal/wal-archive.ts'
import type { BackupSupply, WalStretch } from './backup-supply.ts'
import { decodeRecords } from './wal-record.ts'

export interface ReceivedWal {
  /** What had to be left out, because the other side does not have it any more. */
  onGap: (from: Lsn, to: Lsn) => void
  /** More is durable here. */
  onDurable: () => void
  /** All that the other side has is here. */
  onEnd: () => void
}

/**
 * Appends the WAL of another archive to this one, durable record by record, until the stream ends.
 *
 * @returns the timeline that goes on where this one ended; undefined when the stream ended at a position
 * @throws LifeboatError `VaultDamaged`, `WalGap`, `DiskFull`, and what the other side throws
 */
export async function receiveWal(
  supply: BackupSupply,
  archive: WalArchive,
  o: WalStretch & ReceivedWal & { signal: AbortSignal },
): Promise<number | undefined> {
  const { timeline, from, to } = o
  const own = await archive.timeline(timeline)
  const stream = supply.wal({ timeline, from, to }, o.signal)
  for await (const record of decodeRecords(stream)) {
    if (record.kind === 'next') return record.timeline
    if (record.kind === 'end') {
      o.onEnd()
      continue
    }
    const end = own.end
    if (end !== undefined && record.at > end) {
      const reason = `the source has no write-ahead log at ${formatLsn(end)} any more`
      await archive.recordGap({ timeline, from: end, to: record.at, reason })
      o.onGap(end, record.at)
    }
    await own.append(record.at, [record.bytes])
    o.onDurable()
  }
  return undefined
}
