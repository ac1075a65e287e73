import type { Clock } from '../../../core/clock.ts'
import type { Random } from '../../../core/random.ts'
import type { Outbox } from '../../../objectstore/outbox.ts'
import { isQueued, type Queued } from './queued.ts'

/** How many versions travel to one destination at a time. Bounds connections and memory. */
export const AT_ONCE = 64
const READ_AT_ONCE = 256
/** How long to wait before a destination that was away is asked again: from, and at most. In milliseconds. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 4000

/**
 * Delivers what is queued for one destination bucket: in the order in which it was queued, many at once, but one by one for each key.
 *
 * When the destination is away the lane waits, longer each time, and goes on from the first entry that it could not deliver.
 */
export class Lane {
  /** Entries up to this one are delivered or travelling. */
  #cursor: number
  #firstAway: number | undefined
  #tries = 0
  readonly #travelling = new Set<Promise<void>>()
  readonly #lastByKey = new Map<string, Promise<void>>()
  #wake: (() => void) | undefined
  #isWoken = false

  constructor(
    private readonly o: {
      destination: string
      /** Begins behind this entry. */
      after: number
      outbox: Outbox
      /** Settles the entry, or tells that the destination is away. */
      deliver: (entry: Queued, sequence: number) => Promise<'settled' | 'away'>
      clock: Clock
      random: Random
      signal: AbortSignal
    },
  ) {
    this.#cursor = o.after
    o.signal.addEventListener('abort', () => this.wake(), { once: true })
  }

  /** Says that there is something new. */
  wake(): void {
    this.#isWoken = true
    this.#wake?.()
  }

  /** Ends when the signal aborts and nothing travels any more. @throws what `deliver` throws */
  async run(): Promise<void> {
    const { signal } = this.o
    while (!signal.aborted) {
      const isIdle = !(await this.#deliverSome())
      if (this.#firstAway !== undefined) await this.#backOff(this.#firstAway)
      else if (isIdle) await this.#untilWoken()
    }
    await Promise.all(this.#travelling)
  }

  /** False when there was nothing to read. */
  async #deliverSome(): Promise<boolean> {
    const { outbox, destination, signal } = this.o
    const entries = outbox.entries({ after: this.#cursor, limit: READ_AT_ONCE })
    for (const { sequence, value } of entries) {
      if (isQueued(value) && value.destination === destination) {
        while (this.#travelling.size >= AT_ONCE) await Promise.race(this.#travelling)
        if (signal.aborted || this.#firstAway !== undefined) return true
        this.#begin(value, sequence)
      }
      this.#cursor = sequence
    }
    return entries.length > 0
  }

  #begin(entry: Queued, sequence: number): void {
    const key = `${entry.bucket}/${entry.key}`
    const before = this.#lastByKey.get(key)
    const travel = this.#travel(entry, sequence, before).finally(() => {
      this.#travelling.delete(travel)
      if (this.#lastByKey.get(key) === travel) this.#lastByKey.delete(key)
    })
    this.#travelling.add(travel)
    this.#lastByKey.set(key, travel)
  }

  async #travel(entry: Queued, sequence: number, before: Promise<void> | undefined): Promise<void> {
    await before
    const outcome = await this.o.deliver(entry, sequence)
    if (outcome === 'settled') {
      this.#tries = 0
      return
    }
    this.#firstAway = Math.min(this.#firstAway ?? sequence, sequence)
    this.wake()
  }

  /** With jitter, so that the lanes of many regions do not come back as one. */
  async #backOff(firstAway: number): Promise<void> {
    await Promise.all(this.#travelling)
    this.#cursor = Math.min(this.#firstAway ?? firstAway, firstAway) - 1
    this.#firstAway = undefined
    const longest = Math.min(FIRST_WAIT_MS * 2 ** this.#tries, LONGEST_WAIT_MS)
    this.#tries += 1
    const chance = Number.parseInt(this.o.random.hex(4), 16) / 0xffff
    await this.o.clock
      .sleep(longest * (0.5 + chance / 2), this.o.signal)
      .catch(ifAborted(this.o.signal))
  }

  async #untilWoken(): Promise<void> {
    if (!this.#isWoken) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#wake = undefined
    this.#isWoken = false
  }
}

/** The end of a wait that was aborted is none. */
function ifAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (error !== signal.reason) throw error
  }
}
