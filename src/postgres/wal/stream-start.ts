import { LifeboatError } from '../../core/errors.ts'
import { formatLsn, type Lsn, parseLsn } from '../../core/lsn.ts'
import type { SystemIdentity } from '../wire/replication.ts'
import type { WalArchive } from './wal-archive.ts'

/** Where a stream begins. */
export interface StreamStart {
  readonly timeline: number
  /** Whether it is the one that the server writes to. */
  readonly isNewest: boolean
  readonly from: Lsn
  /** The first position that the archive lacks: WAL that cannot be had is lost from there on. */
  readonly missingFrom: Lsn
  /** Up to where the server has WAL on that timeline. */
  readonly serverEnd: Lsn
}

/** How much of what is here is asked for again, to see that it is the same history. */
const OVERLAP_BYTES = 64 << 10

interface Ancestor {
  readonly timeline: number
  /** Where the next timeline branches off. */
  readonly end: Lsn
}

/**
 * Where the archive goes on: where it ended, on the oldest timeline of the server's history that is not here to its end.
 * A new archive begins with the segment that the server writes.
 *
 * @throws LifeboatError `VaultDamaged` when the server does not have what was archived of it
 */
export function findStart(
  archive: WalArchive,
  { timeline, flushedLsn }: SystemIdentity,
  history: string,
): StreamStart {
  const segment = BigInt(archive.segmentBytes)
  const segmentOf = (lsn: Lsn) => ((lsn / segment) * segment) as Lsn
  const line = [...ancestorsIn(history), { timeline, end: flushedLsn }]
  const known = line.findLastIndex((one) => archive.resumeAt(one.timeline) !== undefined)
  if (known < 0) {
    const from = segmentOf(flushedLsn)
    return { timeline, isNewest: true, from, missingFrom: from, serverEnd: flushedLsn }
  }

  const { timeline: newest, end: serverEnd } = line[known]!
  const end = archive.resumeAt(newest)!
  if (newest === timeline && end > flushedLsn) {
    throw new LifeboatError(
      'VaultDamaged',
      `the cluster's write-ahead log ends at ${formatLsn(flushedLsn)}, but ${formatLsn(end)} of it is archived: it was put back to an older state`,
      { hint: 'Protect a cluster that was put back in a folder of its own.' },
    )
  }
  if (newest === timeline || end < serverEnd) {
    const overlap = BigInt(Math.min(Number(end % segment), OVERLAP_BYTES))
    const isGap = archive.find(newest)?.end !== end
    return {
      timeline: newest,
      isNewest: newest === timeline,
      from: (isGap ? end : end - overlap) as Lsn,
      missingFrom: archive.find(newest)?.end ?? end,
      serverEnd,
    }
  }
  const next = line[known + 1]!
  const from = segmentOf(serverEnd)
  return {
    timeline: next.timeline,
    isNewest: next.timeline === timeline,
    from,
    missingFrom: from,
    serverEnd: next.end,
  }
}

/** The timelines that a history file names, oldest first. Source: PostgreSQL's access/timeline.c. */
function ancestorsIn(history: string): Ancestor[] {
  return history
    .split('\n')
    .map((line) => /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/i.exec(line))
    .filter((match) => match !== null)
    .map(([, timeline, end]) => ({ timeline: Number(timeline), end: parseLsn(end!) }))
}
