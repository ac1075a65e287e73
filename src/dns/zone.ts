import { isWithin, type Name, parentOf } from './name.ts'
import type { RecordType } from './rdata.ts'
import type { RecordSet } from './record-set.ts'

type Node = ReadonlyMap<RecordType, readonly RecordSet[]>

const EMPTY: Node = new Map()

/** The names of one zone, with the sets of records that they have. */
export class Zone {
  readonly #nodes = new Map<Name, Node>()
  /** How many names below it, and itself, have records: with one a name exists, with records or without. */
  readonly #populated = new Map<Name, number>()

  /** Told of every change. */
  #onChange = () => {}

  constructor(readonly apex: Name) {}

  static of(apex: Name, sets: readonly RecordSet[]): Zone {
    const zone = new Zone(apex)
    const byName = new Map<Name, RecordSet[]>()
    for (const set of sets) {
      const known = byName.get(set.name)
      if (known) known.push(set)
      else byName.set(set.name, [set])
    }
    for (const [name, all] of byName) zone.replace(name, all)
    return zone
  }

  /** Calls it at every change from now on. */
  onChange(told: () => void): void {
    this.#onChange = told
  }

  /** Whether the name has records, or one below it has. Source: RFC 4592, 2.2.2. */
  exists(name: Name): boolean {
    return this.#populated.has(name)
  }

  sets(name: Name, type: RecordType): readonly RecordSet[] {
    return this.node(name).get(type) ?? []
  }

  /** All sets of a name, by type. */
  node(name: Name): Node {
    return this.#nodes.get(name) ?? EMPTY
  }

  /** Replaces all sets of a name in the zone; none removes it. */
  replace(name: Name, sets: readonly RecordSet[]): void {
    this.#onChange()
    const had = this.#nodes.has(name)
    if (sets.length === 0) this.#nodes.delete(name)
    else {
      const node = new Map<RecordType, RecordSet[]>()
      for (const set of sets) node.set(set.type, [...(node.get(set.type) ?? []), set])
      this.#nodes.set(name, node)
    }
    const change = Number(sets.length > 0) - Number(had)
    if (change !== 0) this.#count(name, change)
  }

  #count(name: Name, change: number): void {
    for (
      let at: Name | undefined = name;
      at !== undefined && isWithin(at, this.apex);
      at = parentOf(at)
    ) {
      const count = (this.#populated.get(at) ?? 0) + change
      if (count > 0) this.#populated.set(at, count)
      else this.#populated.delete(at)
    }
  }
}
