import { rm } from 'node:fs/promises'
import type { Clock } from '../../core/clock.ts'
import { Turns } from '../../core/turns.ts'
import { Protection } from '../../postgres/protection.ts'
import type { InstanceFacts } from './instance.ts'
import type { LiveInstance } from './live-instance.ts'
import type { StorageKeys } from './storage-keys.ts'

/** A stretch of time to any moment of which an instance can be restored. */
export interface RestoreWindow {
  readonly earliest: Date
  readonly latest: Date
}

const DAY_MS = 24 * 3_600_000

/**
 * The automated backups of all instances, by resource id: base backups and write-ahead log, each in a folder of its
 * own that outlives the instance when it is to be retained.
 */
export class AutomatedBackups {
  readonly #opened = new Map<string, Protection>()
  readonly #opening = new Map<string, Promise<Protection>>()
  readonly #attached = new Set<string>()
  readonly #turns = new Map<string, Turns>()

  constructor(
    private readonly o: {
      folder: (resourceId: string) => string
      keys: StorageKeys
      clock: Clock
      onGap: (instance: LiveInstance) => void
      onProblem: (error: unknown) => void
    },
  ) {}

  /** Opens what there is, or begins anew. Safe to call again. */
  async open(facts: Pick<InstanceFacts, 'resourceId' | 'encryption'>): Promise<Protection> {
    const { resourceId } = facts
    const opening = this.#opening.get(resourceId) ?? this.#openFolder(facts)
    this.#opening.set(resourceId, opening)
    try {
      return await opening
    } catch (error) {
      this.#opening.delete(resourceId)
      throw error
    }
  }

  /** Streams the write-ahead log of a running instance. Safe to call again. */
  async attach(instance: LiveInstance): Promise<Protection> {
    return await this.#inTurn(instance.record.resourceId, () => this.#attach(instance))
  }

  async #attach(instance: LiveInstance): Promise<Protection> {
    const { record, server } = instance
    const protection = await this.open(record)
    if (this.#attached.has(record.resourceId)) return protection
    protection.removeAllListeners()
    protection.on('gap', () => this.o.onGap(instance))
    // While a server is being stopped, that it cannot be reached is no news.
    protection.on('problem', (problem) => {
      const { status } = instance.record
      const isExpected = instance.isClosed || !['available', 'backing-up'].includes(status)
      if (instance.isServing && !isExpected) this.o.onProblem(problem)
    })
    await protection.attach(server.cluster)
    this.#attached.add(record.resourceId)
    return protection
  }

  /** Stops streaming; what is there stays open for restores. Safe to call again. */
  async detach(resourceId: string): Promise<void> {
    await this.#inTurn(resourceId, () => this.#detach(resourceId))
  }

  async #detach(resourceId: string): Promise<void> {
    if (!this.#attached.delete(resourceId)) return
    await this.#opened.get(resourceId)?.detach()
  }

  /** What was opened, without waiting: undefined for an instance that has no automated backups. */
  find(resourceId: string): Protection | undefined {
    return this.#opened.get(resourceId)
  }

  /**
   * Every stretch of time that can be restored to within the retention, oldest first. There is more than one when
   * a part of the write-ahead log was lost.
   */
  restoreWindows(resourceId: string, retentionDays: number): RestoreWindow[] {
    const keepFrom = this.keepFrom(retentionDays)
    return (this.#opened.get(resourceId)?.restoreWindows() ?? [])
      .filter(({ latest }) => latest >= keepFrom)
      .map(({ earliest, latest }) => ({
        earliest: new Date(Math.max(earliest.getTime(), keepFrom.getTime())),
        latest,
      }))
  }

  /** The moment from which on a retention keeps everything. */
  keepFrom(retentionDays: number): Date {
    return new Date(this.o.clock.now().getTime() - retentionDays * DAY_MS)
  }

  /** Deletes backups and WAL that the retention no longer keeps. */
  async expire(resourceId: string, retentionDays: number, o?: { compact: boolean }): Promise<void> {
    const keepFrom = this.keepFrom(retentionDays)
    await this.#opened.get(resourceId)?.expire({ keepFrom, ...o })
  }

  /** Deletes all automated backups of an instance. Safe to call again. */
  async remove(resourceId: string): Promise<void> {
    await this.#inTurn(resourceId, async () => {
      await this.#detach(resourceId)
      const protection = this.#opened.get(resourceId)
      this.#opened.delete(resourceId)
      this.#opening.delete(resourceId)
      await protection?.close()
      await rm(this.o.folder(resourceId), { recursive: true, force: true })
    })
  }

  async close(): Promise<void> {
    const opened = [...this.#opened.values()]
    this.#attached.clear()
    this.#opened.clear()
    this.#opening.clear()
    await Promise.all(opened.map((protection) => protection.close()))
  }

  async #inTurn<T>(resourceId: string, work: () => Promise<T>): Promise<T> {
    const turns = this.#turns.get(resourceId) ?? new Turns()
    this.#turns.set(resourceId, turns)
    return await turns.take(work)
  }

  async #openFolder(facts: Pick<InstanceFacts, 'resourceId' | 'encryption'>): Promise<Protection> {
    const { resourceId } = facts
    const protection = await Protection.open({
      folder: this.o.folder(resourceId),
      clock: this.o.clock,
      encryptionKey: this.o.keys.open(facts),
    })
    this.#opened.set(resourceId, protection)
    return protection
  }
}
