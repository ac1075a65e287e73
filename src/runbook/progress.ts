import type { Clock } from '../core/clock.ts'
import type { StepRecord } from './execution.ts'

type Progress = NonNullable<StepRecord['progress']>

const WRITE_EVERY_MS = 250

/** Writes how far a step is, not oftener than anybody could read it; what was said last is written last. */
export class ProgressLine {
  #next: Progress | undefined
  #isWriting = false

  constructor(
    private readonly write: (progress: Progress) => Promise<void>,
    private readonly clock: Clock,
    /** A line that is lost is not worth failing a recovery for: the next write of the journal meets what was wrong. */
    private readonly onLost: (error: unknown) => void,
  ) {}

  readonly say = (message: string, fraction?: number): void => {
    this.#next = fraction === undefined ? { message } : { message, fraction }
    if (!this.#isWriting) void this.#writeOut()
  }

  async #writeOut(): Promise<void> {
    this.#isWriting = true
    while (this.#next) {
      const next = this.#next
      this.#next = undefined
      await this.write(next).catch(this.onLost)
      await this.clock.sleep(WRITE_EVERY_MS)
    }
    this.#isWriting = false
  }
}
