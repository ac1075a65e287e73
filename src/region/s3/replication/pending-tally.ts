import type { Outbox } from '../../../objectstore/outbox.ts'
import { isQueued, type Queued } from './queued.ts'

/** What is queued by one rule for one destination. */
export interface Pending {
  readonly bucket: string
  readonly ruleId: string
  readonly destination: string
  readonly operations: number
  readonly bytes: number
  /** When the oldest of it was queued. */
  readonly oldestAt: Date
}

interface Group {
  readonly bucket: string
  readonly ruleId: string
  readonly destination: string
  operations: number
  bytes: number
  /** No entry of the group is before this one. */
  from: number
}

const READ_AT_ONCE = 1000
/** A region that was alone for long has much in its queue, and answers requests while it counts. */
const SCANNED_AT_ONCE = 10_000

/** Counts what is queued, reading each entry of the outbox once. */
export class PendingTally {
  readonly #groups = new Map<string, Group>()
  #scanned = 0

  constructor(private readonly outbox: Outbox) {}

  /** Counts what has come since, or some of it. Tells the first new entry of each destination. */
  scan(): { found: ReadonlyMap<string, number>; isAtEnd: boolean } {
    const found = new Map<string, number>()
    for (let read = 0; read < SCANNED_AT_ONCE; read += READ_AT_ONCE) {
      const entries = this.outbox.entries({ after: this.#scanned, limit: READ_AT_ONCE })
      for (const { sequence, value } of entries) {
        this.#scanned = sequence
        if (!isQueued(value)) continue
        this.#count(value, sequence)
        if (!found.has(value.destination)) found.set(value.destination, sequence)
      }
      if (entries.length < READ_AT_ONCE) return { found, isAtEnd: true }
    }
    return { found, isAtEnd: false }
  }

  /** To be told of each entry that was removed. */
  settle(entry: Queued, sequence: number): void {
    // What was removed before it was counted never will be.
    if (sequence > this.#scanned) return
    const group = this.#groups.get(nameOf(entry))
    if (!group) return
    group.operations -= 1
    group.bytes -= entry.sizeBytes
    if (group.operations === 0) this.#groups.delete(nameOf(entry))
  }

  pending(): Pending[] {
    return [...this.#groups.values()].flatMap((group) => {
      const oldestAt = this.#oldestOf(group)
      const { bucket, ruleId, destination, operations, bytes } = group
      return oldestAt ? [{ bucket, ruleId, destination, operations, bytes, oldestAt }] : []
    })
  }

  #count(entry: Queued, sequence: number): void {
    const { bucket, ruleId, destination, sizeBytes } = entry
    const name = nameOf(entry)
    const group = this.#groups.get(name)
    const from = group?.from ?? sequence
    const operations = (group?.operations ?? 0) + 1
    const bytes = (group?.bytes ?? 0) + sizeBytes
    this.#groups.set(name, { bucket, ruleId, destination, operations, bytes, from })
  }

  #oldestOf(group: Group): Date | undefined {
    for (let after = group.from - 1; ; ) {
      const entries = this.outbox.entries({ after, limit: READ_AT_ONCE })
      for (const { sequence, value } of entries) {
        after = sequence
        if (!isQueued(value) || nameOf(value) !== nameOf(group)) continue
        group.from = sequence
        return new Date(value.queuedAtMs)
      }
      if (entries.length < READ_AT_ONCE) return undefined
    }
  }
}

function nameOf(o: { bucket: string; ruleId: string; destination: string }): string {
  return JSON.stringify([o.bucket, o.ruleId, o.destination])
}
