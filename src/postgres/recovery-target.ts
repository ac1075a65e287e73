import { LifeboatError } from '../core/errors.ts'
import { formatLsn, type Lsn } from '../core/lsn.ts'
import type { BaseBackup } from './vault/manifest.ts'
import { newestMoment, type TimelineArchive, type WalRange } from './wal/timeline-archive.ts'
import type { WalArchive } from './wal/wal-archive.ts'

/** What to restore to: a moment, a position, the newest moment there is, or a backup as it was at its end. */
export type RecoveryTarget =
  | { readonly time: Date }
  | { readonly lsn: Lsn }
  | 'latest'
  | { readonly backup: string }

/** A stretch of time of which every moment can be restored to. */
export interface RestoreWindow {
  readonly earliest: Date
  readonly latest: Date
}

/** How a target is reached: which backup, where its WAL is cut, and when replay is complete. */
export interface RecoveryPlan {
  readonly backup: BaseBackup
  readonly cutAt: Lsn
  /** The end of the last record before the cut. */
  readonly replayUntil: Lsn
}

/** A stretch of WAL without a gap and the base backups in it. */
interface Reach extends RestoreWindow {
  readonly timeline: TimelineArchive
  readonly range: WalRange
  /** Oldest first; at least one. */
  readonly backups: readonly BaseBackup[]
}

/** Every window, oldest first: one for each stretch of WAL without a gap that holds a base backup. */
export function restoreWindows(
  archive: WalArchive,
  backups: readonly BaseBackup[],
): RestoreWindow[] {
  return reaches(archive, backups).map(({ earliest, latest }) => ({ earliest, latest }))
}

/**
 * Whether WAL that arrives could be restored: whether a backup stands in the newest stretch, behind every gap that is on
 * record, also when nothing has arrived behind it yet.
 */
export function isEndCovered(archive: WalArchive, backups: readonly BaseBackup[]): boolean {
  const number = archive.timelines().at(-1)
  if (number === undefined) return true
  const gap = archive.gaps().findLast(({ timeline }) => timeline === number)
  const range = archive.find(number)!.ranges().at(-1)
  if (!range) return false
  return backupsIn(range, number, backups).some(({ startLsn }) => !gap || startLsn >= gap.to)
}

/** Whether the archive holds, without a gap, all the WAL that makes a backup consistent. */
export function isBackupCovered(archive: WalArchive, backup: BaseBackup): boolean {
  const ranges = archive.find(backup.timeline)?.ranges() ?? []
  return ranges.some((range) => isInside(range, backup))
}

/** @throws LifeboatError `RecoveryPointUnreachable` naming the windows, `BackupNotFound`, `VaultDamaged` */
export async function planRecovery(
  archive: WalArchive,
  backups: readonly BaseBackup[],
  target: RecoveryTarget,
): Promise<RecoveryPlan> {
  const all = reaches(archive, backups)
  if (target === 'latest') return planLatest(all)
  if ('backup' in target) return planBackup(archive, backups, target.backup)
  if ('lsn' in target) return planLsn(all, target.lsn)
  return planTime(all, target.time)
}

async function planTime(all: readonly Reach[], time: Date): Promise<RecoveryPlan> {
  const reach = all.findLast(({ earliest, latest }) => earliest <= time && time <= latest)
  const backup = reach?.backups.findLast(({ completedAt }) => completedAt <= time)
  if (!reach || !backup) throw unreachable(all, time.toISOString())
  const later = await reach.timeline.firstCommitAfter(time.getTime() * 1000, backup.stopLsn)
  if (later && later.startLsn < reach.range.to) {
    return { backup, cutAt: later.startLsn, replayUntil: later.previousEnd }
  }
  return planEnd(reach, backup)
}

/** The end of the newest window: also when it ended in a gap, behind which there is no backup yet. */
async function planLatest(all: readonly Reach[]): Promise<RecoveryPlan> {
  const reach = all.at(-1)
  if (!reach) throw unreachable(all, 'the latest moment')
  return planEnd(reach, reach.backups.at(-1)!)
}

async function planEnd(reach: Reach, backup: BaseBackup): Promise<RecoveryPlan> {
  const end = await reach.timeline.lastRecordEnd(backup.stopLsn)
  return planAt(backup, end, reach.range.to)
}

/**
 * @param end    where the last record ends. A record that switches to the next segment ends at that one's start
 * @param limit  up to where there is WAL
 */
function planAt(backup: BaseBackup, end: Lsn, limit: Lsn): RecoveryPlan {
  const replayUntil = end > backup.stopLsn ? end : backup.stopLsn
  return { backup, cutAt: replayUntil > limit ? limit : replayUntil, replayUntil }
}

/** A backup as it was when it ended needs no WAL but its own. */
async function planBackup(
  archive: WalArchive,
  backups: readonly BaseBackup[],
  id: string,
): Promise<RecoveryPlan> {
  const backup = backups.find((one) => one.id === id)
  if (!backup) throw new LifeboatError('BackupNotFound', `there is no backup '${id}'`)
  if (!isBackupCovered(archive, backup)) {
    throw new LifeboatError('WalGap', `the write-ahead log of backup '${id}' is damaged`, {
      hint: 'Restore another backup.',
    })
  }
  return { backup, cutAt: backup.stopLsn, replayUntil: backup.stopLsn }
}

async function planLsn(all: readonly Reach[], lsn: Lsn): Promise<RecoveryPlan> {
  const reach = all.findLast(({ range, backups }) => backups[0]!.stopLsn <= lsn && lsn <= range.to)
  const backup = reach?.backups.findLast(({ stopLsn }) => stopLsn <= lsn)
  if (!reach || !backup) throw unreachable(all, formatLsn(lsn))
  // A record that is not whole before the position is not replayed, so it need not be there at all.
  return planAt(backup, await reach.timeline.recordEndBefore(lsn), lsn)
}

function reaches(archive: WalArchive, backups: readonly BaseBackup[]): Reach[] {
  return archive.timelines().flatMap((number) => {
    const timeline = archive.find(number)!
    return timeline.ranges().flatMap((range) => {
      const inside = backupsIn(range, number, backups)
      if (inside.length === 0) return []
      const earliest = new Date(Math.min(...inside.map((one) => Number(one.completedAt))))
      const newest = newestMoment(range)
      const latest = newest && newest > earliest ? newest : earliest
      return [{ timeline, range, backups: inside, earliest, latest }]
    })
  })
}

function backupsIn(
  range: WalRange,
  timeline: number,
  backups: readonly BaseBackup[],
): BaseBackup[] {
  return backups
    .filter((backup) => backup.timeline === timeline && isInside(range, backup))
    .sort((a, b) => Number(a.stopLsn - b.stopLsn))
}

function isInside(range: WalRange, backup: BaseBackup): boolean {
  return range.from <= backup.startLsn && backup.stopLsn <= range.to
}

function unreachable(all: readonly Reach[], wanted: string): LifeboatError {
  const windows = all
    .map(({ earliest, latest }) => `${earliest.toISOString()} to ${latest.toISOString()}`)
    .join(', ')
  return new LifeboatError('RecoveryPointUnreachable', `${wanted} cannot be restored to`, {
    hint: windows
      ? `Choose a moment within ${windows}.`
      : 'Wait until the first base backup is complete; there is nothing to restore from yet.',
  })
}
