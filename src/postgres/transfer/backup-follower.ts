import { EventEmitter } from 'node:events'
import type { Clock } from '../../core/clock.ts'
import { type Lsn, parseLsn } from '../../core/lsn.ts'
import { isBackupCovered } from '../recovery-target.ts'
import type { BaseBackup } from '../vault/manifest.ts'
import type {
  BackupSupply,
  SuppliedBackup,
  SupplyDescription,
  WalStretch,
} from './backup-supply.ts'
import { bindTo, type Store, segmentStart } from './receive-backup.ts'
import { receiveWal } from './receive-wal.ts'

/** How often it is asked whether there is a new base backup. */
const LOOK_EVERY_MS = 2_000
const FIRST_BACKOFF_MS = 200
const MAX_BACKOFF_MS = 10_000

export interface FollowerStatus {
  /** Whether WAL is arriving. */
  readonly isConnected: boolean
  /** When all that the other side had was here, last. */
  readonly caughtUpAt: Date | undefined
  /** Why it is not connected. */
  readonly problem: string | undefined
}

/**
 * Keeps the backups of another place here, for as long as it runs: WAL as it comes, and each new base backup. The first one
 * that is taken over is the newest there is; those that were made while this was away are not needed, because WAL leads on.
 *
 * Whenever the other side cannot be had it tries again, and goes on where it was.
 *
 * Events: `problem` with why it is not connected; `gap` when WAL was lost there before it came here.
 */
export class BackupFollower extends EventEmitter<{ problem: [unknown]; gap: [] }> {
  readonly #ending = new AbortController()
  #running: Promise<void> | undefined
  #isConnected = false
  #caughtUpAt: Date | undefined
  #problem: string | undefined

  constructor(
    private readonly o: {
      supply: BackupSupply
      store: Store
      clock: Clock
      backups: () => readonly BaseBackup[]
      /** A backup has been listed. */
      onBackup: () => Promise<void>
    },
  ) {
    super()
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** What has arrived is durable. */
  async stop(): Promise<void> {
    this.#ending.abort(new Error('the follower was stopped'))
    await this.#running
  }

  status(): FollowerStatus {
    return {
      isConnected: this.#isConnected,
      caughtUpAt: this.#caughtUpAt,
      problem: this.#problem,
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending
    let backoffMs = FIRST_BACKOFF_MS
    while (!signal.aborted) {
      try {
        await this.#follow(() => {
          backoffMs = FIRST_BACKOFF_MS
          this.#problem = undefined
        })
      } catch (error) {
        if (signal.aborted) return
        this.#problem = error instanceof Error ? error.message : String(error)
        this.emit('problem', error)
      } finally {
        this.#isConnected = false
      }
      await this.#pause(backoffMs)
      backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)
    }
  }

  /** Until something fails, or there is nothing to follow yet. */
  async #follow(onOpen: () => void): Promise<void> {
    const { supply, store } = this.o
    const description = await supply.describe(this.#ending.signal)
    const begin = description && this.#begin(description)
    if (!begin) return
    await bindTo(store.archive, description)
    // The one that fails ends the other.
    const failing = new AbortController()
    const end = () => failing.abort(this.#ending.signal.reason)
    this.#ending.signal.addEventListener('abort', end, { once: true })
    const works = [
      this.#receiveWal(begin, failing.signal, onOpen),
      this.#receiveBackups(failing.signal),
    ].map((work) =>
      work.catch((error: unknown) => {
        failing.abort(error)
        throw error
      }),
    )
    try {
      for (const result of await Promise.allSettled(works)) {
        if (result.status === 'rejected') throw failing.signal.reason
      }
    } finally {
      this.#ending.signal.removeEventListener('abort', end)
    }
  }

  /** Where WAL goes on here; undefined when there is no base backup yet to begin with. */
  #begin({ timelines, backups, segmentBytes }: SupplyDescription): WalStretch | undefined {
    const { archive } = this.o.store
    const newest = backups.at(-1)
    const known = timelines.findLast(({ timeline }) => archive.resumeAt(timeline) !== undefined)
    if (known) return { timeline: known.timeline, from: archive.resumeAt(known.timeline)! }
    if (!newest) return undefined
    return {
      timeline: newest.timeline,
      from: segmentStart(parseLsn(newest.startLsn), segmentBytes),
    }
  }

  async #receiveWal(begin: WalStretch, signal: AbortSignal, onOpen: () => void): Promise<void> {
    const { supply, store, clock } = this.o
    let at: WalStretch | undefined = begin
    while (at && !signal.aborted) {
      const next: number | undefined = await receiveWal(supply, store.archive, {
        ...at,
        signal,
        onGap: () => this.emit('gap'),
        onDurable: () => {
          this.#isConnected = true
          onOpen()
        },
        onEnd: () => {
          this.#isConnected = true
          this.#caughtUpAt = clock.now()
          onOpen()
        },
      })
      const end: Lsn | undefined = store.archive.find(at.timeline)?.end
      at =
        next === undefined || end === undefined
          ? undefined
          : { timeline: next, from: segmentStart(end, store.archive.segmentBytes) }
    }
  }

  async #receiveBackups(signal: AbortSignal): Promise<void> {
    const { supply, store, clock } = this.o
    while (!signal.aborted) {
      const description = await supply.describe(signal)
      const newest = description?.backups.at(-1)
      if (description) await bindTo(store.archive, description)
      if (description && newest && isNewer(newest, this.o.backups().at(-1))) {
        await store.vault.receive({
          id: newest.id,
          isEncryptedThere: description.isEncrypted,
          manifest: supply.manifest(newest.id, signal),
          pack: (pack, from) => supply.pack(pack, from, signal),
          beforeListing: (backup) => this.#untilCovered(backup, signal),
        })
        await this.o.onBackup()
      }
      await clock.sleep(LOOK_EVERY_MS, signal)
    }
  }

  /** The WAL of a backup comes on its own way; only then the backup is listed (I2). */
  async #untilCovered(backup: BaseBackup, signal: AbortSignal): Promise<void> {
    while (!isBackupCovered(this.o.store.archive, backup)) await this.o.clock.sleep(50, signal)
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#ending
    await this.o.clock.sleep(ms, signal).catch((reason: unknown) => {
      if (reason !== signal.reason) throw reason
    })
  }
}

function isNewer(supplied: SuppliedBackup, known: BaseBackup | undefined): boolean {
  if (!known) return true
  if (supplied.timeline !== known.timeline) return supplied.timeline > known.timeline
  return parseLsn(supplied.stopLsn) > known.stopLsn
}
