import { EventEmitter } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../core/assert.ts'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { PostgresBinaries } from './binaries.ts'
import type { Cluster } from './cluster.ts'
import {
  planRecovery,
  type RecoveryTarget,
  type RestoreWindow,
  restoreWindows,
} from './recovery-target.ts'
import { restoreCluster } from './restore-cluster.ts'
import type { Progress } from './vault/back-up.ts'
import type { BaseBackup } from './vault/manifest.ts'
import { Vault, type VerifyReport } from './vault/vault.ts'
import { WalArchive, type WalGap } from './wal/wal-archive.ts'
import { type ReceiverStatus, WalReceiver } from './wal/wal-receiver.ts'

const SLOT = 'lifeboat'
const WAL_DEADLINE_MS = 60_000

/**
 * Everything that protects one cluster: base backups in a vault, and its write-ahead log, streamed as it is written.
 *
 * Events: `gap` when WAL was lost (a new base backup is started by itself); `problem` with what went wrong in the
 * background.
 */
export class Protection extends EventEmitter<{ gap: [WalGap]; problem: [unknown] }> {
  #receiver: WalReceiver | undefined
  #cluster: Cluster | undefined
  #backups: BaseBackup[]
  #background: Promise<void> = Promise.resolve()

  private constructor(
    private readonly vault: Vault,
    private readonly archive: WalArchive,
    private readonly clock: Clock,
    backups: BaseBackup[],
  ) {
    super()
    this.#backups = backups
  }

  /** @throws LifeboatError `VaultKeyWrong`, `VaultDamaged` */
  static async open(o: {
    folder: string
    encryptionKey?: Buffer | undefined
    clock: Clock
  }): Promise<Protection> {
    await mkdir(o.folder, { recursive: true, mode: 0o700 })
    const common = { encryptionKey: o.encryptionKey, clock: o.clock }
    const vault = await Vault.open({ ...common, folder: join(o.folder, 'vault') })
    const archive = await WalArchive.open({ ...common, folder: join(o.folder, 'wal') })
    return new Protection(vault, archive, o.clock, await vault.list())
  }

  /** Starts streaming a running cluster's WAL. */
  async attach(cluster: Cluster): Promise<void> {
    assert(!this.#receiver, 'one cluster is attached at a time')
    const receiver = new WalReceiver({
      source: cluster.target(),
      archive: this.archive,
      slot: SLOT,
      clock: this.clock,
    })
    receiver.on('gap', (gap) => {
      this.emit('gap', gap)
      this.#inBackground(() => this.backUp())
    })
    receiver.on('problem', (problem) => this.emit('problem', problem))
    await receiver.start()
    this.#receiver = receiver
    this.#cluster = cluster
  }

  /** Stops streaming. What has arrived is durable; the server keeps the rest for the next time. */
  async detach(): Promise<void> {
    const receiver = this.#receiver
    this.#receiver = undefined
    await receiver?.stop()
    await this.#background
    this.#cluster = undefined
  }

  /** Whether WAL is arriving, up to where, and if not, why. */
  streaming(): ReceiverStatus | undefined {
    return this.#receiver?.status()
  }

  /**
   * Takes a base backup of the attached cluster. It is listed when it and the WAL that makes it consistent are durable (I2).
   */
  async backUp(
    o: {
      kind?: 'full' | 'incremental' | 'auto'
      onProgress?: (progress: Progress) => void
      signal?: AbortSignal
    } = {},
  ): Promise<BaseBackup> {
    const receiver = this.#receiver
    const cluster = this.#cluster
    assert(receiver && cluster, 'a cluster is attached')
    const { dataDirectory, major } = cluster
    const backup = await this.vault.backUp({
      ...o,
      cluster: { dataDirectory, major, target: cluster.target() },
      beforeListing: ({ stopLsn }) => receiver.waitUntilDurable(stopLsn, WAL_DEADLINE_MS),
    })
    this.#backups = await this.vault.list()
    return backup
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
   * the passwords of that moment, the superuser's included.
   *
   * @throws LifeboatError `RecoveryPointUnreachable` naming the windows, `VaultDamaged`, `WalGap`, `RestoreFailed`,
   *         `DiskFull`; nothing is left of `into`
   */
  async restore(o: {
    to: RecoveryTarget
    into: string
    binaries: PostgresBinaries
    superuser: { readonly name: string; readonly password: string }
    settings?: Readonly<Record<string, string>>
    port?: number
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
    return restoreCluster({
      ...o,
      plan,
      vault: this.vault,
      archive: this.archive,
      clock: this.clock,
    })
  }

  /**
   * Makes a copy of one backup, with the WAL that it needs, in another folder: a Protection of its own, which outlives this one.
   */
  async exportBackup(id: string, folder: string): Promise<void> {
    const backup = this.#backups.find((one) => one.id === id)
    if (!backup) throw new LifeboatError('BackupNotFound', `there is no backup '${id}'`)
    await this.archive.exportRange(
      backup.timeline,
      backup.startLsn,
      backup.stopLsn,
      join(folder, 'wal'),
    )
    await this.vault.exportBackup(id, join(folder, 'vault'))
  }

  /** Deletes backups and WAL that no moment from `keepFrom` on needs. */
  async expire(o: { keepFrom: Date }): Promise<void> {
    const before = this.#backups.filter(({ completedAt }) => completedAt <= o.keepFrom)
    const base = before.at(-1)
    if (!base) return
    await this.vault.delete(before.slice(0, -1).map(({ id }) => id))
    await this.archive.expireBefore(base.timeline, base.startLsn)
    this.#backups = await this.vault.list()
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

  #inBackground(work: () => Promise<unknown>): void {
    this.#background = this.#background.then(async () => {
      try {
        await work()
      } catch (error) {
        this.emit('problem', error)
      }
    })
  }
}
