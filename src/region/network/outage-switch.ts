import type { Flows } from './flows.ts'
import { readOutages, writeOutages } from './outage-file.ts'
import type { Outage, Outages } from './outages.ts'

/** The outages of a home, as its gateway keeps them: durable, and in effect for what passes through it. */
export class OutageSwitch {
  #outages: Outages
  #last: Promise<void> = Promise.resolve()

  private constructor(
    private readonly home: string,
    private readonly flows: Flows,
    outages: Outages,
  ) {
    this.#outages = outages
    flows.outages = outages
  }

  /** With those that were declared before. @throws LifeboatError `StateDamaged` */
  static async open(home: string, flows: Flows): Promise<OutageSwitch> {
    return new OutageSwitch(home, flows, await readOutages(home))
  }

  get outages(): Outages {
    return this.#outages
  }

  of(name: string): Outage {
    return this.#outages.byName[name] ?? {}
  }

  /**
   * Replaces the outages by what `next` makes of them; one change after the other, durable before it is in effect.
   *
   * @throws what `next` throws, and LifeboatError `DiskFull`; then nothing has changed
   */
  async change(next: (before: Outages) => Outages): Promise<void> {
    const change = async () => {
      const after = next(this.#outages)
      await writeOutages(this.home, after)
      this.#outages = after
      this.flows.outages = after
    }
    const mine = this.#last.then(change, change)
    this.#last = mine
    await mine
  }
}
