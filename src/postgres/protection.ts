import { EventEmitter } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../core/assert.ts'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { PostgresBinaries } from './binaries.ts'
import type { Cluster } from './cluster.ts'
import {
  isBackupCovered,
  isEndCovered,
  planRecovery,
  type RecoveryTarget,
  type RestoreWindow,
  restoreWindows,
} from './recovery-target.ts'
import { restoreCluster } from './restore-cluster.ts'
import { BackupFollower } from './transfer/backup-follower.ts'
import type { BackupSupply } from './transfer/backup-supply.ts'
import { LocalSupply } from './transfer/local-supply.ts'
import { receiveBackup } from './transfer/receive-backup.ts'
import type { Progress } from './vault/back-up.ts'
import type { BaseBackup } from './vault/manifest.ts'
import { Vault, type VerifyReport } from './vault/vault.ts'
import { WalArchive, type WalGap } from './wal/wal-archive.ts'
import { type ReceiverStatus, WalReceiver } from './wal/wal-receiver.ts'
import type { ConnectionTarget } from './wire/connection-target.ts'

const SLOT = 'lifeboat'
const WAL_DEADLINE_MS = 60_000
const FIRST_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 60_000
/** How long those who follow wait for WAL at most before they are told that there is none. */
const TELL_EVERY_MS = 5_000

/** A cluster of ours, or a server elsewhere, which has no data directory that we could read. */
export interface Protectable {
  readonly dataDirectory?: string
  readonly major: number
  target(): ConnectionTarget
}

interface Attachment {
  readonly cluster: Protectable
  readonly receiver: WalReceiver
  readonly ending: AbortController
  background: Promise<void>
}

/**
 * Everything that protects one cluster: base backups in a vault, and its write-ahead log, streamed as it is written.
 *
 * Backups here end with the retention. What shall outlive it, and the cluster, is copied by `exportBackup` into a
 * folder of its own, which is a Protection again: open it, restore from it, delete it by deleting the folder. The copy
 * shares the packs by hard links where both folders are on one file system, so that it costs almost nothing.
 *
 * Events: `gap` when WAL was lost (a new base backup is taken by itself, and tried again until it is there); `problem`
 * with what went wrong in the background.
 */
export class Protection extends EventEmitter<{ gap: [WalGap]; problem: [unknown] }> {
  #attachment: Attachment | undefined
  #backups: readonly BaseBackup[]
  /** Backups that are being read: they outlive the retention for so long. */
  readonly #inUse = new Set<BaseBackup>()
  /** Tells those who follow that WAL has arrived. */
  readonly #wal = new EventEmitter<{ durable: [] }>().setMaxListeners(0)

  private constructor(
    private readonly vault: Vault,
    private readonly archive: WalArchive,
    private readonly clock: Clock,
    private readonly isEncrypted: boolean,
    backups: readonly BaseBackup[],
  ) {
    super()
    this.#backups = backups
  }

  /** @throws LifeboatError `VaultKeyWrong`, `FolderNotUsable` */
  static async open(o: {
    folder: string
    encryptionKey?: Buffer | undefined
    clock: Clock
  }): Promise<Protection> {
    await mkdir(o.folder, { recursive: true, mode: 0o700 })
    const common = { encryptionKey: o.encryptionKey, clock: o.clock }
    const vault = await Vault.open({ ...common, folder: join(o.folder, 'vault') })
    const archive = await WalArchive.open({ ...common, folder: join(o.folder, 'wal') })
    const isEncrypted = o.encryptionKey !== undefined
    return new Protection(vault, archive, o.clock, isEncrypted, await vault.list())
  }

  /**
   * Starts streaming a running cluster's WAL. When what arrives could not be restored, because WAL was lost or the
   * cluster is on a new timeline since the last base backup, another one is begun by itself.
   */
  async attach(cluster: Protectable): Promise<void> {
    assert(!this.#attachment, 'one cluster is attached at a time')
    const receiver = new WalReceiver({
      source: cluster.target(),
      archive: this.archive,
      slot: SLOT,
      clock: this.clock,
    })
    const attachment: Attachment = {
      cluster,
      receiver,
      ending: new AbortController(),
      background: Promise.resolve(),
    }
    receiver.on('gap', (gap) => {
      this.emit('gap', gap)
      if (this.#attachment) this.#coverEnd(attachment)
    })
    receiver.on('problem', (problem) => this.emit('problem', problem))
    receiver.on('durable', () => this.#wal.emit('durable'))
    await receiver.start()
    this.#attachment = attachment
    if (this.#backups.length > 0) this.#coverEnd(attachment)
  }

  /** Stops streaming. What has arrived is durable; the server keeps the rest for the next time. */
  async detach(): Promise<void> {
    const attachment = this.#attachment
    this.#attachment = undefined
    attachment?.ending.abort(new Error('the cluster was detached'))
    await attachment?.receiver.stop()
    await attachment?.background
  }

  /** Whether WAL is arriving, up to where, and if not, why. */
  streaming(): ReceiverStatus | undefined {
    return this.#attachment?.receiver.status()
  }

  /**
   * Takes a base backup of the attached cluster. It is listed when it and the WAL that makes it consistent are durable (I2).
   *
   * @throws LifeboatError `BackupFailed`, `WalGap`, `DiskFull`, `DatabaseUnreachable`; then it is not listed
   */
  async backUp(
    o: {
      kind?: 'full' | 'incremental' | 'auto'
      onProgress?: (progress: Progress) => void
      signal?: AbortSignal
    } = {},
  ): Promise<BaseBackup> {
    assert(this.#attachment, 'a cluster is attached')
    const { cluster, receiver } = this.#attachment
    const { dataDirectory, major } = cluster
    const backup = await this.vault.backUp({
      ...o,
      cluster: { dataDirectory, major, target: cluster.target() },
      beforeListing: async (taken) => {
        await receiver.waitUntilDurable(taken.stopLsn, WAL_DEADLINE_MS)
        if (isBackupCovered(this.archive, taken)) return
        throw new LifeboatError('WalGap', 'WAL was lost while the backup was taken', {
          hint: 'Take another backup.',
        })
      },
    })
    this.#backups = await this.vault.list()
    return backup
  }

  /** What another place can have of the backups and the WAL here, while this is open. */
  supply(): BackupSupply {
    return new LocalSupply({
      vault: this.vault,
      archive: this.archive,
      backups: () => this.#backups,
      isEncrypted: this.isEncrypted,
      moreWal: (signal) => this.#moreWal(signal),
    })
  }

  /**
   * Takes over one backup of another place, with the WAL that it needs.
   *
   * @throws LifeboatError as `receiveBackup`; then it is not listed, and the next attempt goes on where this one was
   */
  async receive(
    supply: BackupSupply,
    id: string,
    o: { signal: AbortSignal; onProgress?: (progress: Progress) => void },
  ): Promise<BaseBackup> {
    const description = await supply.describe(o.signal)
    const wanted = description?.backups.find((one) => one.id === id)
    if (!description || !wanted) {
      throw new LifeboatError('BackupNotFound', `there is no backup '${id}' to take over`)
    }
    const { vault, archive } = this
    const received = await receiveBackup(
      supply,
      { vault, archive },
      { ...o, backup: wanted, description },
    )
    this.#backups = await this.vault.list()
    return received
  }

  /** Keeps the backups of another place here, from `start` on. No cluster is attached meanwhile. */
  follow(supply: BackupSupply): BackupFollower {
    const { vault, archive, clock } = this
    return new BackupFollower({
      supply,
      store: { vault, archive },
      clock,
      backups: () => this.#backups,
      onBackup: async () => {
        this.#backups = await this.vault.list()
      },
    })
  }

  /** All base backups, oldest first. */
  backups(): readonly BaseBackup[] {
    return this.#backups
  }

  /** The stretches of time that can be restored to, oldest first, split where WAL was lost. */
  restoreWindows(): RestoreWindow[] {
    return restoreWindows(this.archive, this.#backups)
  }

  gaps(): readonly WalGap[] {
    return this.archive.gaps()
  }

  /** The newest moment that can be restored to; undefined while there is none. Never ahead of durable WAL. */
  latestRestorableTime(): Date | undefined {
    return this.restoreWindows().at(-1)?.latest
  }

  /**
   * Restores into a new data directory and starts it: read-write, on a new timeline, exactly at the target. Its roles have
   * the passwords of that moment, the superuser's included. Its settings are the caller's and ours, none of the source's.
   *
   * What an interrupted restore left in `into` is removed first; anything else there is refused.
   *
   * @throws LifeboatError `RecoveryPointUnreachable` naming the windows, `VaultDamaged`, `WalGap`, `RestoreFailed`,
   *         `FolderNotUsable`, `DiskFull`; nothing is left of `into`
   */
  async restore(o: {
    to: RecoveryTarget
    into: string
    binaries: PostgresBinaries
    superuser: { readonly name: string; readonly password: string }
    settings?: Readonly<Record<string, string>>
    port?: number
    /** Told when the cluster is open for reading and writing. A crash of the machine undoes it until this returns. */
    onOpen?: ((cluster: Cluster) => void) | undefined
    onProgress?: ((progress: Progress) => void) | undefined
    signal?: AbortSignal | undefined
  }): Promise<Cluster> {
    const plan = await planRecovery(this.archive, this.#backups, o.to)
    if (plan.backup.postgresMajor !== o.binaries.major) {
      throw new LifeboatError(
        'RestoreFailed',
        `a backup of PostgreSQL ${plan.backup.postgresMajor} cannot be restored with PostgreSQL ${o.binaries.major}`,
        { hint: `Use the binaries of PostgreSQL ${plan.backup.postgresMajor}.` },
      )
    }
    return this.#reading(plan.backup, () =>
      restoreCluster({
        ...o,
        plan,
        vault: this.vault,
        archive: this.archive,
        clock: this.clock,
      }),
    )
  }

  /**
   * Makes a copy of one backup, with the WAL that it needs, in another folder: a Protection of its own, which outlives this
   * one and its retention. After a crash in the middle the folder lists no backup; the copy can be made again.
   */
  async exportBackup(id: string, folder: string): Promise<void> {
    const backup = this.#backups.find((one) => one.id === id)
    if (!backup) throw new LifeboatError('BackupNotFound', `there is no backup '${id}'`)
    await this.#reading(backup, async () => {
      const { timeline, startLsn, stopLsn } = backup
      await this.archive.exportRange(timeline, startLsn, stopLsn, join(folder, 'wal'))
      await this.vault.exportBackup(id, join(folder, 'vault'))
    })
  }

  /**
   * Deletes backups and WAL that no moment from `keepFrom` on needs, and gives back the space in packs that hold little
   * else. The newest backup stays.
   *
   * Backups are counted in the order in which they were taken, so that a clock that was wrong for a time makes more be
   * kept, never less.
   *
   * @param o.compact  false where backups are taken over from another place: they need the packs as they are there
   */
  async expire(o: { keepFrom: Date; compact?: boolean }): Promise<void> {
    const firstKept = this.#backups.findIndex(({ completedAt }) => completedAt > o.keepFrom)
    const base = firstKept < 0 ? this.#backups.length - 1 : firstKept - 1
    if (base >= 1) {
      const inUse = new Set([...this.#inUse].map(({ id }) => id))
      const old = this.#backups.slice(0, base).filter(({ id }) => !inUse.has(id))
      await this.vault.delete(old.map(({ id }) => id))
      this.#backups = await this.vault.list()
    }
    const oldest = this.#backups[0]
    if (oldest) await this.archive.expireBefore(oldest.timeline, oldest.startLsn)
    if (o.compact !== false) await this.vault.compact()
  }

  /** Reads every byte of backups and WAL again. */
  async verify(o: { onProgress?: (progress: Progress) => void } = {}): Promise<VerifyReport> {
    const report = await this.vault.verify(o)
    const wal = await this.archive.verify()
    return {
      ...report,
      faults: [...report.faults, ...wal.map((fault) => ({ offset: 0, ...fault }))],
    }
  }

  /** What backups and WAL take on disk, in bytes. */
  storedBytes(): Promise<number> {
    return this.vault.storedBytes()
  }

  async close(): Promise<void> {
    await this.detach()
    await this.archive.close()
  }

  async #moreWal(signal: AbortSignal): Promise<void> {
    const waiting = new AbortController()
    const end = () => waiting.abort(signal.reason)
    signal.addEventListener('abort', end, { once: true })
    this.#wal.once('durable', end)
    try {
      await pause(this.clock, TELL_EVERY_MS, waiting.signal)
    } finally {
      signal.removeEventListener('abort', end)
      this.#wal.off('durable', end)
    }
  }

  /** Takes a base backup behind the newest gap, however often that must be tried. */
  #coverEnd(attachment: Attachment): void {
    const { signal } = attachment.ending
    attachment.background = attachment.background.then(async () => {
      for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs *= 2) {
        try {
          if (!isEndCovered(this.archive, this.#backups)) await this.backUp({ signal })
          return
        } catch (error) {
          if (signal.aborted) return
          this.emit('problem', error)
          await pause(this.clock, Math.min(pauseMs, MAX_PAUSE_MS), signal)
        }
      }
    })
  }

  async #reading<Result>(backup: BaseBackup, read: () => Promise<Result>): Promise<Result> {
    const use = { ...backup }
    this.#inUse.add(use)
    try {
      return await read()
    } finally {
      this.#inUse.delete(use)
    }
  }
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(ms, signal).catch((reason: unknown) => {
    if (reason !== signal.reason) throw reason
  })
}
