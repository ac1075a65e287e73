import type { Clock } from '../core/clock.ts'
import type { IndexDatabase } from './index-database.ts'

export interface OutboxEntry {
  readonly sequence: number
  readonly value: unknown
}

/** A durable queue of what is still to be told elsewhere. An entry is written with the change that it tells of. */
export class Outbox {
  #last: number

  constructor(
    private readonly index: IndexDatabase,
    private readonly clock: Clock,
  ) {
    const [newest] = [...index.outbox.getKeys({ reverse: true, limit: 1 })]
    this.#last = newest ?? 0
  }

  /** Oldest first. */
  entries({ after = 0, limit = 1000 }: { after?: number; limit?: number } = {}): OutboxEntry[] {
    return [...this.index.outbox.getRange({ start: after + 1, limit })].map(({ key, value }) => ({
      sequence: key,
      value,
    }))
  }

  get size(): number {
    return this.index.outbox.getCount()
  }

  async remove(sequence: number): Promise<void> {
    await this.index.change(() => this.settle(sequence), { frees: true })
  }

  /** Within a change of the index: the entry is done. */
  settle(sequence: number): void {
    this.index.outbox.remove(sequence)
  }

  /** Within a change of the index. A number is never given twice, also when the queue was empty in between. */
  append(value: unknown): void {
    this.#last = Math.max(this.#last + 1, this.clock.now().getTime() * 1000)
    this.index.outbox.put(this.#last, value)
  }
}
