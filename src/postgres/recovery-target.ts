import { LifeboatError } from '../core/errors.ts'
import { formatLsn, type Lsn } from '../core/lsn.ts'
import type { BaseBackup } from './vault/manifest.ts'
import type { TimelineArchive, WalRange } from './wal/timeline-archive.ts'
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

/** Every window, oldest first: one for each stretch of WAL without a gap that holds a base backup. */
export function restoreWindows(
  archive: WalArchive,
  backups: readonly BaseBackup[],
): RestoreWindow[] {
  return archive.timelines().flatMap((number) => {
    const timeline = archive.find(number)!
    return timeline.ranges().flatMap((range) => {
      const inside = backupsIn(range, number, backups)
      if (inside.length === 0) return []
      const earliest = inside.reduce(
        (min, one) => new Date(Math.min(Number(min), Number(one.completedAt))),
        new Date(8.64e15),
      )
      const latest = newestMoment(archive, timeline, range)
      return latest && latest >= earliest
        ? [{ earliest, latest }]
        : [{ earliest, latest: earliest }]
    })
  })
}

/** @throws LifeboatError `RecoveryPointUnreachable` naming the windows, `BackupNotFound`, `VaultDamaged` */
export async function planRecovery(
  archive: WalArchive,
  backups: readonly BaseBackup[],
  target: RecoveryTarget,
): Promise<RecoveryPlan> {
  if (target === 'latest') return planLatest(archive, backups)
  if ('backup' in target) return planBackup(backups, target.backup)
  if ('lsn' in target) return planLsn(archive, backups, target.lsn)
  return planTime(archive, backups, target.time)
}

async function planTime(
  archive: WalArchive,
  backups: readonly BaseBackup[],
  time: Date,
): Promise<RecoveryPlan> {
  const window = restoreWindows(archive, backups).find(
    ({ earliest, latest }) => earliest <= time && time <= latest,
  )
  if (!window) throw unreachable(archive, backups, time.toISOString())
  const candidates = backups.filter(
    ({ completedAt }) => completedAt >= window.earliest && completedAt <= time,
  )
  const backup = newestOf(candidates)
  const timeline = archive.find(backup.timeline)!
  const later = await timeline.firstCommitAfter(time.getTime() * 1000, backup.stopLsn)
  if (later) return { backup, cutAt: later.startLsn, replayUntil: later.previousEnd }
  const end = await timeline.lastRecordEnd(backup.stopLsn)
  return { backup, cutAt: end, replayUntil: end }
}

async function planLatest(
  archive: WalArchive,
  backups: readonly BaseBackup[],
): Promise<RecoveryPlan> {
  const number = archive.timelines().at(-1)
  const range = number === undefined ? undefined : archive.find(number)!.ranges().at(-1)
  const inside = range && number !== undefined ? backupsIn(range, number, backups) : []
  if (inside.length === 0) throw unreachable(archive, backups, 'the latest moment')
  const backup = newestOf(inside)
  const end = await archive.find(backup.timeline)!.lastRecordEnd(backup.stopLsn)
  return { backup, cutAt: end, replayUntil: end }
}

/** A backup as it was when it ended needs no WAL but its own. */
function planBackup(backups: readonly BaseBackup[], id: string): RecoveryPlan {
  const backup = backups.find((one) => one.id === id)
  if (!backup) throw new LifeboatError('BackupNotFound', `there is no backup '${id}'`)
  return { backup, cutAt: backup.stopLsn, replayUntil: backup.stopLsn }
}

async function planLsn(
  archive: WalArchive,
  backups: readonly BaseBackup[],
  lsn: Lsn,
): Promise<RecoveryPlan> {
  const inReach = backups.filter(
    (backup) =>
      backup.stopLsn <= lsn &&
      archive
        .find(backup.timeline)
        ?.ranges()
        .some(({ from, to }) => from <= backup.startLsn && lsn <= to),
  )
  if (inReach.length === 0) throw unreachable(archive, backups, formatLsn(lsn))
  const backup = newestOf(inReach)
  const replayUntil = await archive.find(backup.timeline)!.recordEndBefore(lsn)
  return { backup, cutAt: lsn, replayUntil }
}

function backupsIn(
  range: WalRange,
  timeline: number,
  backups: readonly BaseBackup[],
): BaseBackup[] {
  return backups.filter(
    (backup) =>
      backup.timeline === timeline && range.from <= backup.startLsn && backup.stopLsn <= range.to,
  )
}

/** The last range goes on growing and is promised with a margin; an earlier one has ended. */
function newestMoment(
  archive: WalArchive,
  timeline: TimelineArchive,
  range: WalRange,
): Date | undefined {
  const newest = archive.latestRestorable()
  if (newest && newest.timeline === timeline.timeline && newest.lsn === range.to) return newest.time
  return Number.isFinite(range.newestCommitUs)
    ? new Date(Math.floor(range.newestCommitUs / 1000))
    : undefined
}

function newestOf(backups: readonly BaseBackup[]): BaseBackup {
  return backups.reduce((newest, one) => (one.stopLsn > newest.stopLsn ? one : newest))
}

function unreachable(
  archive: WalArchive,
  backups: readonly BaseBackup[],
  wanted: string,
): LifeboatError {
  const windows = restoreWindows(archive, backups)
    .map(({ earliest, latest }) => `${earliest.toISOString()} to ${latest.toISOString()}`)
    .join(', ')
  return new LifeboatError('RecoveryPointUnreachable', `${wanted} cannot be restored to`, {
    hint: windows
      ? `Choose a moment within ${windows}.`
      : 'Wait until the first base backup is complete; there is nothing to restore from yet.',
  })
}
