/** Lets so many pieces of work be under way at once; others wait for their turn. */
export class Slots {
  readonly #waiting: (() => void)[] = []

  constructor(private free: number) {}

  /** @throws the signal's reason when it aborts before the turn comes, and what the work throws */
  async use<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.free -= 1
    try {
      signal.throwIfAborted()
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.free += 1
    }
  }
}
