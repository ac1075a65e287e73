import { delayOf, type Journey, mayPass, NO_OUTAGES, type Outages } from './outages.ts'

/** Something that is under way, and can be cut. */
interface Flow {
  readonly journey: Journey
  readonly cut: () => void
}

/** What passes through a gateway now, as the outages let it. */
export class Flows {
  readonly #underWay = new Set<Flow>()
  #outages: Outages = NO_OUTAGES

  /** Outages as they are from now on: what may not pass any more is cut. */
  set outages(outages: Outages) {
    this.#outages = outages
    for (const { journey, cut } of [...this.#underWay]) {
      if (!mayPass(outages, journey)) cut()
    }
  }

  mayPass(journey: Journey): boolean {
    return mayPass(this.#outages, journey)
  }

  /** How much later what comes now is to arrive, in milliseconds. */
  delayMs(journey: Journey): number {
    return delayOf(this.#outages, journey)
  }

  /** @returns what to call when it has ended */
  begin(journey: Journey, cut: () => void): () => void {
    const flow = { journey, cut }
    this.#underWay.add(flow)
    return () => this.#underWay.delete(flow)
  }
}
