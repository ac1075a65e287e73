import { open, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../../core/assert.ts'
import { LifeboatError } from '../../core/errors.ts'
import { formatLsn, type Lsn, walSegmentName } from '../../core/lsn.ts'
import { giveTo, type ServerAccount } from '../server-account.ts'
import { named } from '../storage/durable-file.ts'
import { placeTablespaceInside } from './tablespace-record.ts'
import type { WalArchive } from './wal-archive.ts'

/**
 * Lays archived WAL into a cluster's `pg_wal`, oldest first, so that a standby that already runs replays it as it comes.
 *
 * The log is cut at `cutAt`: that segment is zero from there on and no later one follows. A standby replays all that
 * stands before and then waits, which ends a recovery exactly where it shall end, without a recovery
 * target: PostgreSQL aborts when a target has nothing after it.
 *
 * A tablespace that the log creates is made within the restored data directory, not where the source has it.
 *
 * Each segment appears whole under its name or not at all.
 *
 * @throws LifeboatError `WalGap`, `VaultDamaged`, `RestoreFailed`, `DiskFull`
 */
export async function stageWal(o: {
  archive: WalArchive
  timeline: number
  from: Lsn
  cutAt: Lsn
  into: string
  account: ServerAccount | undefined
  signal?: AbortSignal | undefined
  onProgress?: ((progress: { doneBytes: number; totalBytes: number }) => void) | undefined
}): Promise<void> {
  const { segmentBytes } = o.archive
  const timeline = o.archive.find(o.timeline)
  assert(o.from <= o.cutAt, 'WAL is cut behind where it begins')
  const range = timeline?.ranges().find(({ from, to }) => from <= o.from && o.cutAt <= to)
  if (!timeline || !range) {
    throw new LifeboatError(
      'WalGap',
      `the write-ahead log from ${formatLsn(o.from)} to ${formatLsn(o.cutAt)} is not whole`,
    )
  }
  const first = Math.floor(Number(o.from) / segmentBytes)
  const last = Math.floor((Number(o.cutAt) - 1) / segmentBytes)
  const tablespaces = timeline.tablespacesBetween(first, last + 1)
  for (let number = first; number <= last; number++) {
    o.signal?.throwIfAborted()
    const start = BigInt(number * segmentBytes) as Lsn
    const segment = await timeline.read(number)
    for (const at of tablespaces) {
      if (start <= at && at < start + BigInt(segmentBytes) && at < o.cutAt) {
        placeTablespaceInside(segment, Number(at - start))
      }
    }
    const wanted = Math.min(Number(o.cutAt - start), segmentBytes)
    const name = walSegmentName(o.timeline, start, BigInt(segmentBytes))
    await placeSegment(join(o.into, name), segment.subarray(0, wanted), segmentBytes, o.account)
    o.onProgress?.({
      doneBytes: (number - first + 1) * segmentBytes,
      totalBytes: (last - first + 1) * segmentBytes,
    })
  }
  for (const number of o.archive.timelines()) {
    const history = await o.archive.historyFile(number)
    if (history === undefined) continue
    const path = join(o.into, `${number.toString(16).padStart(8, '0').toUpperCase()}.history`)
    await writeFile(path, history, { mode: 0o600 })
    await giveTo(path, o.account)
  }
}

async function placeSegment(
  path: string,
  content: Buffer,
  segmentBytes: number,
  account: ServerAccount | undefined,
): Promise<void> {
  const unfinished = `${path}.staged`
  try {
    const file = await open(unfinished, 'w', 0o600)
    try {
      // Not `write`: a disk that fills up takes a part of the bytes without a word.
      await file.writeFile(content)
      await file.truncate(segmentBytes)
    } finally {
      await file.close()
    }
    await giveTo(unfinished, account)
    await rename(unfinished, path)
  } catch (error) {
    throw named(error, path)
  }
}
