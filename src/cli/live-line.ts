import type { Clock } from '../core/clock.ts'
import { formatDuration } from '../core/duration.ts'
import type { Output } from './output.ts'

/** Where nobody can watch a line change, how often it is printed anew. */
const PLAIN_EVERY_MS = 10_000
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/** The last line of the screen, which tells what is going on. */
export class LiveLine {
  #isShown = false
  readonly #startedAtMs: number
  #plainAtMs: number

  constructor(
    private readonly output: Output,
    private readonly clock: Clock,
  ) {
    this.#startedAtMs = clock.monotonicMs()
    this.#plainAtMs = this.#startedAtMs
  }

  /** @param fraction  how much is done, from 0 to 1; the time that is left is estimated from it */
  show(text: string, fraction?: number): void {
    if (!text) return
    this.#show(fraction === undefined ? text : `${text} ${this.#estimate(fraction)}`)
  }

  #estimate(fraction: number): string {
    const percent = `${Math.floor(fraction * 100)} %`
    const seconds = (this.clock.monotonicMs() - this.#startedAtMs) / 1_000
    if (fraction < 0.05 || fraction >= 1 || seconds < 1) return percent
    return `${percent}, about ${formatDuration(Math.ceil((seconds / fraction) * (1 - fraction)))} left`
  }

  #show(text: string): void {
    const nowMs = this.clock.monotonicMs()
    if (this.output.isLive) {
      const frame = FRAMES[Math.floor(nowMs / 100) % FRAMES.length]
      const width = (process.stderr.columns ?? 80) - 4
      const fitting = text.length > width ? `${text.slice(0, width - 1)}…` : text
      process.stderr.write(`\r\x1b[2K  ${frame} ${fitting}`)
      this.#isShown = true
    } else if (nowMs - this.#plainAtMs >= PLAIN_EVERY_MS) {
      this.#plainAtMs = nowMs
      this.output.say(`  … ${text}`)
    }
  }

  clear(): void {
    if (this.#isShown) process.stderr.write('\r\x1b[2K')
    this.#isShown = false
  }
}
