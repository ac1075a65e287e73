import type { Clock } from '../core/clock.ts'
import type { IndexDatabase } from './index-database.ts'
import type { RunningTime } from './running-time.ts'

/** What the clock showed at a moment of a machine's running time. */
export interface LockTime {
  readonly timeMs: number
  readonly boot: string
  readonly elapsedMs: number
}

const KEY = 'lock-time'
const KEEP_EVERY_MS = 60_000

/**
 * The clock by which locks end. It begins with the wall clock when a store is made, and from then on only running time
 * moves it: a wall clock that is set forward frees nothing, and one that is set back keeps nothing for longer.
 *
 * It is durable. While the machine is not started anew, time in which the store was closed counts; time in which the
 * machine was off does not, for nobody can say how long that was: a lock may so end later than its date, and never
 * sooner. After a power cut it goes on from where it was kept last, which is done with changes, once a minute at most.
 *
 * Who may write to the store's folder, or decides what the machine takes for its running time, decides this clock too.
 */
export class LockClock {
  #keptMs: number

  private constructor(
    private readonly index: IndexDatabase,
    private readonly clock: Clock,
    private readonly running: RunningTime,
    private readonly boot: string,
    private readonly base: LockTime,
  ) {
    this.#keptMs = clock.monotonicMs()
  }

  static async open(o: {
    index: IndexDatabase
    clock: Clock
    running: RunningTime
  }): Promise<LockClock> {
    const { index, clock, running } = o
    const { boot } = running
    const known = index.clocks.get(KEY)
    const elapsedMs = running.elapsedMs()
    const passedMs = known?.boot === boot ? Math.max(0, elapsedMs - known.elapsedMs) : 0
    const timeMs = known ? known.timeMs + passedMs : clock.now().getTime()
    const lockClock = new LockClock(index, clock, running, boot, { timeMs, boot, elapsedMs })
    await lockClock.keep()
    return lockClock
  }

  now(): Date {
    return new Date(this.#now().timeMs)
  }

  /** Within a change of the index: keeps what the clock shows, when it was not done lately. */
  keepSometimes(): void {
    // Asked with every change, and to ask the machine takes long.
    const nowMs = this.clock.monotonicMs()
    if (nowMs - this.#keptMs < KEEP_EVERY_MS) return
    this.#keptMs = nowMs
    this.index.clocks.put(KEY, this.#now())
  }

  async keep(): Promise<void> {
    const now = this.#now()
    await this.index.change(
      () => {
        this.index.clocks.put(KEY, now)
      },
      { frees: true },
    )
  }

  #now(): LockTime {
    const { boot, base } = this
    const elapsedMs = this.running.elapsedMs()
    return { timeMs: base.timeMs + Math.max(0, elapsedMs - base.elapsedMs), boot, elapsedMs }
  }
}
