import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../../core/assert.ts'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { formatLsn, type Lsn, parseLsn } from '../../core/lsn.ts'
import { ArchiveNotes } from './archive-notes.ts'
import type { WalFault } from './segment-store.ts'
import { TimelineArchive } from './timeline-archive.ts'

/** WAL that is lost for good: no restore crosses it. */
export interface WalGap {
  readonly timeline: number
  readonly from: Lsn
  readonly to: Lsn
  readonly foundAt: Date
  readonly reason: string
}

interface Identity {
  readonly systemIdentifier: string
  readonly segmentBytes: number
}

type StoredGap = { readonly [Field in keyof WalGap]: Field extends 'timeline' ? number : string }

const IDENTITIES = ['identity', 'identity.copy'] as const
const GAPS = 'gaps'
const NOTE = /^(identity(\.copy)?|gaps|[0-9A-F]{8}\.history)$/

/**
 * One cluster's write-ahead log on disk, by timeline.
 *
 * Everything that it says it has is durable (I2). What is missing or damaged splits it into ranges and is
 * never papered over.
 */
export class WalArchive {
  readonly #timelines = new Map<number, TimelineArchive>()
  readonly #notes: ArchiveNotes
  #recorded: WalGap[] = []
  #identity: Identity | undefined

  private constructor(
    private readonly folder: string,
    private readonly key: Buffer | undefined,
    private readonly clock: Clock,
  ) {
    this.#notes = new ArchiveNotes(folder, key)
  }

  /** @throws LifeboatError `VaultKeyWrong` */
  static async open(o: {
    folder: string
    encryptionKey?: Buffer | undefined
    clock: Clock
  }): Promise<WalArchive> {
    await mkdir(o.folder, { recursive: true, mode: 0o700 })
    const archive = new WalArchive(o.folder, o.encryptionKey, o.clock)
    archive.#identity = await archive.#readIdentity()
    if (archive.#identity) await archive.#load()
    return archive
  }

  /** Whose WAL it holds; undefined before any has come. */
  get identity(): Identity | undefined {
    return this.#identity
  }

  get segmentBytes(): number {
    return this.#identity?.segmentBytes ?? 16 << 20
  }

  /** Binds the archive to one cluster. @throws LifeboatError `VaultDamaged` when it holds another cluster's WAL */
  async bind(identity: Identity): Promise<void> {
    if (!this.#identity) {
      for (const name of IDENTITIES) await this.#notes.write(name, identity)
      this.#identity = identity
    }
    if (this.#identity.systemIdentifier !== identity.systemIdentifier) {
      throw new LifeboatError(
        'VaultDamaged',
        `'${this.folder}' holds the write-ahead log of another cluster`,
        {
          hint: 'Give each cluster a folder of its own.',
        },
      )
    }
  }

  /** Numbers of the timelines, oldest first. */
  timelines(): number[] {
    return [...this.#timelines.keys()].sort((a, b) => a - b)
  }

  /** The archive of one timeline; an empty one is made when there is none yet. */
  async timeline(number: number): Promise<TimelineArchive> {
    const known = this.#timelines.get(number)
    if (known) return known
    const opened = await TimelineArchive.open({
      timeline: number,
      folder: join(this.folder, timelineName(number)),
      segmentBytes: this.segmentBytes,
      key: this.key,
    })
    this.#timelines.set(number, opened)
    return opened
  }

  find(timeline: number): TimelineArchive | undefined {
    return this.#timelines.get(timeline)
  }

  /** Every stretch that no restore can cross: lost at the source, or damaged or missing here. Oldest first in a timeline. */
  gaps(): WalGap[] {
    return this.timelines().flatMap((number) => {
      const recorded = this.#recorded.filter(({ timeline }) => timeline === number)
      const holes = this.#holes(number).filter(
        ({ from, to }) => !recorded.some((gap) => gap.from === from && gap.to === to),
      )
      return [...recorded, ...holes].sort((a, b) => Number(a.from - b.from))
    })
  }

  /** Where the stream of a timeline goes on: at its end, or behind the gap that follows it. */
  resumeAt(timeline: number): Lsn | undefined {
    const end = this.#timelines.get(timeline)?.end
    const gap = this.#recorded.findLast((one) => one.timeline === timeline)
    return gap && (end === undefined || gap.to > end) ? gap.to : end
  }

  /**
   * Puts a loss on record; durable when it returns. What is lost from the same position on takes the place of what was
   * recorded before: nothing arrived in between.
   */
  async recordGap(gap: Omit<WalGap, 'foundAt'>): Promise<WalGap> {
    const recorded = { ...gap, foundAt: this.clock.now() }
    const others = this.#recorded.filter(
      ({ timeline, from }) => timeline !== gap.timeline || from !== gap.from,
    )
    await this.#keepGaps([...others, recorded])
    return recorded
  }

  /** A timeline's history file, as PostgreSQL writes it; timeline 1 has none. @throws LifeboatError `VaultDamaged` */
  async historyFile(timeline: number): Promise<string | undefined> {
    return (await this.#notes.read(historyName(timeline))) as string | undefined
  }

  async keepHistoryFile(timeline: number, content: string): Promise<void> {
    const isKept = content === '' || content === (await this.historyFile(timeline))
    if (!isKept) await this.#notes.write(historyName(timeline), content)
  }

  /** Copies a stretch of one timeline into an archive in another folder. @throws LifeboatError `WalGap`, `VaultDamaged` */
  async exportRange(timeline: number, from: Lsn, to: Lsn, folder: string): Promise<void> {
    assert(this.#identity, 'an archive with WAL knows whose it is')
    const other = await WalArchive.open({ folder, encryptionKey: this.key, clock: this.clock })
    try {
      await other.bind(this.#identity)
      const source = await this.timeline(timeline)
      const target = await other.timeline(timeline)
      const first = Math.floor(Number(from) / this.segmentBytes)
      const last = Math.floor((Number(to) - 1) / this.segmentBytes)
      for (let number = first; number <= last; number++) {
        const start = BigInt(number * this.segmentBytes) as Lsn
        if ((target.end ?? -1n) > start) continue
        const bytes = await source.read(number)
        await target.append(start, [
          number === last ? bytes.subarray(0, Number(to - start)) : bytes,
        ])
      }
      for (const number of this.timelines()) {
        await other.keepHistoryFile(number, (await this.historyFile(number)) ?? '')
      }
    } finally {
      await other.close()
    }
  }

  async expireBefore(timeline: number, lsn: Lsn): Promise<void> {
    for (const [number, archive] of this.#timelines) {
      if (number === timeline) await archive.expireBefore(lsn)
      else if (number < timeline && archive.end !== undefined)
        await archive.expireBefore(archive.end)
    }
    const kept = this.#recorded.filter((gap) => gap.timeline > timeline || gap.to > lsn)
    if (kept.length < this.#recorded.length) await this.#keepGaps(kept)
  }

  /**
   * Reads everything again. An empty list means that every byte is as it was written, and nothing is missing but what is on
   * record as a gap. What is found damaged splits its range from then on.
   */
  async verify(): Promise<WalFault[]> {
    const faults: WalFault[] = []
    for (const name of await readdir(this.folder)) {
      if (!NOTE.test(name)) continue
      await this.#notes.read(name).catch((error: unknown) => {
        if (!(error instanceof LifeboatError)) throw error
        faults.push({ file: join(this.folder, name), offset: 0, reason: error.message })
      })
    }
    for (const archive of this.#timelines.values()) {
      faults.push(...(await archive.verify()), ...this.#findMissing(archive))
    }
    return faults
  }

  /** What is missing without a file that could be named as damaged, and without being on record. */
  #findMissing(archive: TimelineArchive): WalFault[] {
    return this.#holes(archive.timeline)
      .filter(({ from, to }) => {
        const { timeline } = archive
        const isOnRecord = this.#recorded.some(
          (gap) => gap.timeline === timeline && gap.from <= from && gap.to >= to,
        )
        return !isOnRecord && this.#faultWithin(timeline, from, to) === undefined
      })
      .map(({ from, to }) => ({
        file: join(this.folder, timelineName(archive.timeline)),
        reason: `WAL from ${formatLsn(from)} to ${formatLsn(to)} is missing`,
      }))
  }

  /** What lies between the ranges of a timeline. */
  #holes(timeline: number): WalGap[] {
    const ranges = this.#timelines.get(timeline)?.ranges() ?? []
    return ranges.slice(1).map(({ from: to }, index) => {
      const from = ranges[index]!.to
      const fault = this.#faultWithin(timeline, from, to)
      const reason = fault?.reason ?? 'segments are missing from the archive'
      return { timeline, from, to, foundAt: this.clock.now(), reason }
    })
  }

  #faultWithin(timeline: number, from: Lsn, to: Lsn): WalFault | undefined {
    const faults = this.#timelines.get(timeline)?.faults() ?? []
    return faults.find(({ start }) => start < to && start + BigInt(this.segmentBytes) > from)
  }

  async close(): Promise<void> {
    for (const archive of this.#timelines.values()) await archive.close()
    this.#timelines.clear()
  }

  async #load(): Promise<void> {
    const names = await readdir(this.folder)
    for (const name of names.filter((one) => /^[0-9A-F]{8}$/.test(one))) {
      await this.timeline(Number.parseInt(name, 16))
    }
    const gaps = ((await this.#notes.readUnlessDamaged(GAPS)) ?? []) as StoredGap[]
    this.#recorded = gaps.map((gap) => ({
      ...gap,
      from: parseLsn(gap.from),
      to: parseLsn(gap.to),
      foundAt: new Date(gap.foundAt),
    }))
  }

  async #keepGaps(gaps: WalGap[]): Promise<void> {
    const stored: StoredGap[] = gaps.map((gap) => ({
      ...gap,
      from: formatLsn(gap.from),
      to: formatLsn(gap.to),
      foundAt: gap.foundAt.toISOString(),
    }))
    await this.#notes.write(GAPS, stored)
    this.#recorded = gaps
  }

  /** There are two copies: without it nothing here could be used. */
  async #readIdentity(): Promise<Identity | undefined> {
    const copies = await Promise.all(IDENTITIES.map((name) => this.#notes.readUnlessDamaged(name)))
    const identity = copies.find((copy) => copy !== undefined)
    // Tells damage from absence when neither copy can be read.
    return (identity ?? (await this.#notes.read(IDENTITIES[0]))) as Identity | undefined
  }
}

function historyName(timeline: number): string {
  return `${timelineName(timeline)}.history`
}

function timelineName(timeline: number): string {
  return timeline.toString(16).padStart(8, '0').toUpperCase()
}
