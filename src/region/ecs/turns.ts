/** Lets one piece of work of a name run at a time, in the order in which they were asked for. */
export class Turns {
  readonly #lastByName = new Map<string, Promise<unknown>>()

  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#lastByName.get(name) ?? Promise.resolve()
    const mine = before.then(work, work)
    this.#lastByName.set(name, mine)
    try {
      return await mine
    } finally {
      if (this.#lastByName.get(name) === mine) this.#lastByName.delete(name)
    }
  }
}
