import type { Lsn } from '../../core/lsn.ts'

/** A base backup that can be had. Positions are in PostgreSQL's text form, times ISO 8601: it may have come over a wire. */
export interface SuppliedBackup {
  readonly id: string
  readonly timeline: number
  readonly startLsn: string
  readonly stopLsn: string
  readonly completedAt: string
}

/** Whose backups and write-ahead log can be had, and which there are. */
export interface SupplyDescription {
  readonly systemIdentifier: string
  readonly segmentBytes: number
  /** Whether the backups are encrypted where they are. What is sent never is. */
  readonly isEncrypted: boolean
  /** Oldest first. */
  readonly backups: readonly SuppliedBackup[]
  /** Oldest first, with their history files; the first timeline of a cluster has none. */
  readonly timelines: readonly { readonly timeline: number; readonly history?: string }[]
}

/**
 * The backups and the archived WAL of one cluster, as somebody else can have them: from another folder, or over a wire. All that
 * is sent is read no faster than it is taken, and proves itself: frames by their checksums, WAL by its own.
 */
export interface BackupSupply {
  /** Undefined while there is neither a backup nor WAL. */
  describe(signal: AbortSignal): Promise<SupplyDescription | undefined>
  /** The frames of a backup's manifest. @throws LifeboatError `BackupNotFound` */
  manifest(backup: string, signal: AbortSignal): AsyncIterable<Buffer>
  /** The frames of a pack from a byte on. @throws LifeboatError `BackupNotFound`, `VaultDamaged` */
  pack(pack: string, from: number, signal: AbortSignal): AsyncIterable<Buffer>
  /**
   * Records of WAL (`decodeRecords`) from a position on: up to another one, or until the signal aborts. Where WAL is
   * missing, it goes on behind that.
   */
  wal(stretch: WalStretch, signal: AbortSignal): AsyncIterable<Buffer>
}

export interface WalStretch {
  readonly timeline: number
  readonly from: Lsn
  readonly to?: Lsn | undefined
}
