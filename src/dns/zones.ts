import type { Circumstances } from './choose.ts'
import { type Name, parentOf } from './name.ts'
import type { Question } from './query.ts'
import { resolve } from './resolve.ts'
import type { Authority } from './respond.ts'
import type { Answer } from './response.ts'
import type { Zone } from './zone.ts'

/** All zones of a name server. Of several with one name, the one that was added first is asked. */
export class Zones implements Authority {
  readonly #zones = new Map<string, Zone>()
  readonly #byApex = new Map<Name, string[]>()

  /** The circumstances, and whether the answer that is being made has asked for one. */
  readonly #now: Circumstances
  #isFixed = true
  #version = 0

  constructor(now: Circumstances) {
    const asked = <T>(value: T): T => {
      this.#isFixed = false
      return value
    }
    this.#now = {
      isHealthy: (healthCheck) => asked(now.isHealthy(healthCheck)),
      random: (limit) => asked(now.random(limit)),
    }
  }

  /** Counts the changes of all zones. */
  get version(): number {
    return this.#version
  }

  get(id: string): Zone | undefined {
    return this.#zones.get(id)
  }

  ids(): string[] {
    return [...this.#zones.keys()]
  }

  /** Adds a zone, or replaces one of the same name, which keeps its place. */
  put(id: string, zone: Zone): void {
    this.#zones.set(id, zone)
    this.#version += 1
    zone.onChange(() => {
      this.#version += 1
    })
    const before = this.#byApex.get(zone.apex) ?? []
    if (!before.includes(id)) this.#byApex.set(zone.apex, [...before, id])
  }

  delete(id: string): void {
    const apex = this.#zones.get(id)?.apex
    if (apex === undefined) return
    this.#zones.delete(id)
    this.#version += 1
    const left = (this.#byApex.get(apex) ?? []).filter((other) => other !== id)
    if (left.length > 0) this.#byApex.set(apex, left)
    else this.#byApex.delete(apex)
  }

  answer(question: Question): Answer | undefined {
    const zone = this.#zoneOf(question.name)
    if (!zone) return undefined
    this.#isFixed = true
    const answer = resolve(zone, question, this.#now)
    return { ...answer, isFixed: this.#isFixed }
  }

  /** The zone with the longest name that it lies in. */
  #zoneOf(name: Name): Zone | undefined {
    for (let at: Name | undefined = name; at !== undefined; at = parentOf(at)) {
      const [id] = this.#byApex.get(at) ?? []
      if (id !== undefined) return this.#zones.get(id)
    }
    return undefined
  }
}
