import type { Clock } from '../../core/clock.ts'
import { formatDuration } from '../../core/duration.ts'
import { LiveLine } from '../live-line.ts'
import type { Output } from '../output.ts'

/** Tells on stderr what happens, scene by scene, and how long each took. */
export class Scenes {
  constructor(
    private readonly output: Output,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
  ) {}

  /** A headline. */
  announce(text: string): void {
    this.output.say()
    this.output.say(this.output.colors.bold(text))
  }

  /** A line of what is seen, now. */
  note(sign: string, text: string): void {
    this.output.say(`  ${sign} ${text}`)
  }

  /**
   * Plays one scene and then tells its outcome. Interrupting ends the scene at once; what it has begun is
   * put away with everything else.
   */
  async play<Result>(
    going: string,
    scene: () => Promise<Result>,
    told: (result: Result) => string,
  ): Promise<Result> {
    const startedAtMs = this.clock.monotonicMs()
    const result = await this.#watched(() => going, scene)
    const seconds = (this.clock.monotonicMs() - startedAtMs) / 1_000
    this.output.say(`  ✔ ${told(result).padEnd(62)} ${formatDuration(seconds).padStart(6)}`)
    return result
  }

  /** Waits for `scene` while the last line shows `text`, which may change. */
  async #watched<Result>(text: () => string, scene: () => Promise<Result>): Promise<Result> {
    this.signal.throwIfAborted()
    const live = new LiveLine(this.output, this.clock)
    const timer = setInterval(() => live.show(text()), 100)
    const watched = new AbortController()
    try {
      return await Promise.race([scene(), this.#interruption(watched.signal)])
    } finally {
      watched.abort()
      clearInterval(timer)
      live.clear()
    }
  }

  /**
   * Looks until `isSo`, while the last line shows `text`.
   *
   * @returns whether it came to be so before the deadline
   */
  async waitUntil(
    text: () => string,
    deadlineMs: number,
    isSo: () => boolean | Promise<boolean>,
  ): Promise<boolean> {
    const end = this.clock.monotonicMs() + deadlineMs
    return this.#watched(text, async () => {
      while (!(await isSo())) {
        if (this.clock.monotonicMs() > end) return false
        await this.clock.sleep(50, this.signal)
      }
      return true
    })
  }

  /** Rejects on Ctrl-C; `unheard` takes its listener away. */
  #interruption(unheard: AbortSignal): Promise<never> {
    return new Promise((_, reject) => {
      const options = { once: true, signal: unheard }
      this.signal.addEventListener('abort', () => reject(this.signal.reason), options)
    })
  }
}
