import { Transform, type TransformCallback } from 'node:stream'
import { systemClock } from '../../core/clock.ts'

/** How many bytes may be on the line; more make the sender wait, as they do on a long way. */
const MAX_BYTES = 16 * 1024 * 1024

/** Lets bytes arrive so much later than they came, in their order; as many in a second as without it, up to a limit. */
export class DelayLine extends Transform {
  #last: Promise<void> = Promise.resolve()
  #bytes = 0
  #waiting: TransformCallback | undefined

  /** @param delayMs  asked for each piece, so that a change of it is felt at once */
  constructor(private readonly delayMs: () => number) {
    super({ readableHighWaterMark: MAX_BYTES })
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    const dueMs = systemClock.monotonicMs() + this.delayMs()
    this.#bytes += chunk.length
    this.#last = this.#last.then(() => this.#release(chunk, dueMs))
    if (this.#bytes < MAX_BYTES) done()
    else this.#waiting = done
  }

  override _flush(done: TransformCallback): void {
    const dueMs = systemClock.monotonicMs() + this.delayMs()
    this.#last.then(() => this.#until(dueMs)).then(() => done())
  }

  async #release(chunk: Buffer, dueMs: number): Promise<void> {
    await this.#until(dueMs)
    if (this.destroyed) return
    this.push(chunk)
    this.#bytes -= chunk.length
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  async #until(dueMs: number): Promise<void> {
    const leftMs = dueMs - systemClock.monotonicMs()
    if (leftMs > 0) await systemClock.sleep(leftMs)
  }
}
