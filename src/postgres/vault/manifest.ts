import type { Lsn } from '../../core/lsn.ts'
import type { Extents } from './extents.ts'

/** A base backup: what a listing shows. */
export interface BaseBackup {
  readonly id: string
  /** Whether it took all blocks or only those that changed. Restoring either is one pass. */
  readonly kind: 'full' | 'incremental'
  readonly startedAt: Date
  /** The server's own time right after the backup's end: the earliest moment that can be restored from it. */
  readonly completedAt: Date
  readonly timeline: number
  readonly startLsn: Lsn
  readonly stopLsn: Lsn
  /** What this backup added to the vault. */
  readonly storedBytes: number
  /** The size of the data directory that it restores to. */
  readonly clusterBytes: number
  readonly systemIdentifier: string
  readonly postgresMajor: number
  readonly encrypted: boolean
  /** Pages that were damaged in the source already: `file block N`. */
  readonly warnings: readonly string[]
  /** Settings of the source that a server must not undercut while it replays this backup's WAL. */
  readonly recoverySettings: Readonly<Record<string, string>>
}

export interface FileEntry {
  readonly path: string
  readonly length: number
  readonly mtimeMs: number
  readonly extents: Extents
}

/** Where a frame lies, and how long it is, compressed and not. */
export interface FrameEntry {
  readonly pack: string
  readonly offset: number
  readonly length: number
  readonly rawLength: number
}

/** What a manifest begins with: enough to list a backup and to know which packs it needs. */
export interface ManifestHead {
  readonly backup: BaseBackup
  readonly packs: readonly string[]
}

/** Everything that is needed to restore one backup. It stands alone: no other manifest is read for it. */
export interface Manifest {
  readonly backup: BaseBackup
  readonly folders: readonly string[]
  readonly files: readonly FileEntry[]
  readonly frames: readonly FrameEntry[]
  /** Content of `backup_label`. */
  readonly label: string
  /** Content of `global/pg_control`. */
  readonly control: Buffer
}
