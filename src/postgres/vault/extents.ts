import { assert } from '../../core/assert.ts'

/** Blocks of a file that lie one after the other in one frame: from byte `at` of it. */
export interface Extent {
  readonly block: number
  readonly count: number
  /** Index into the manifest's frames. */
  readonly frame: number
  readonly at: number
}

export const PAGE_BYTES = 8192
const WORDS = 4

/**
 * A file's extents in ascending order of blocks, 16 bytes each: a backup that stands on months of incrementals has
 * millions of them.
 */
export class Extents {
  static readonly none = new Extents(new Uint32Array(0))

  constructor(private readonly words: Uint32Array) {}

  get size(): number {
    return this.words.length / WORDS
  }

  get(index: number): Extent {
    const at = index * WORDS
    const { words } = this
    return {
      block: words[at]!,
      count: words[at + 1]!,
      frame: words[at + 2]!,
      at: words[at + 3]!,
    }
  }

  *[Symbol.iterator](): Generator<Extent> {
    for (let index = 0; index < this.size; index++) yield this.get(index)
  }

  frame(index: number): number {
    return this.words[index * WORDS + 2]!
  }

  /** The block behind the last one. */
  get end(): number {
    const last = (this.size - 1) * WORDS
    return last < 0 ? 0 : this.words[last]! + this.words[last + 1]!
  }

  /** The parts whose blocks are in none of `newer` and below `limit`. */
  *without(newer: Extents, limit: number): Generator<Extent> {
    let next = 0
    for (const { block: first, count, frame, at } of this) {
      const end = Math.min(first + count, limit)
      let block = first
      const part = (to: number) => ({
        block,
        count: to - block,
        frame,
        at: at + (block - first) * PAGE_BYTES,
      })
      while (next < newer.size && newer.get(next).block + newer.get(next).count <= block) next++
      for (let index = next; index < newer.size && newer.get(index).block < end; index++) {
        const covered = newer.get(index)
        if (covered.block > block) yield part(covered.block)
        block = Math.max(block, covered.block + covered.count)
      }
      if (block < end) yield part(end)
    }
  }
}

/** Collects extents in any order. Those that continue one another become one. */
export class ExtentsBuilder {
  #words = new Uint32Array(8 * WORDS)
  #used = 0
  #isSorted = true

  add({ block, count, frame, at }: Extent): void {
    const last = this.#used - WORDS
    const words = this.#words
    if (last >= 0) {
      const end = words[last]! + words[last + 1]!
      const endAt = words[last + 3]! + words[last + 1]! * PAGE_BYTES
      if (block === end && frame === words[last + 2] && at === endAt) {
        words[last + 1] = words[last + 1]! + count
        return
      }
      if (block < end) this.#isSorted = false
    }
    if (this.#used === words.length) {
      this.#words = new Uint32Array(words.length * 2)
      this.#words.set(words)
    }
    this.#words.set([block, count, frame, at], this.#used)
    this.#used += WORDS
  }

  addAll(extents: Iterable<Extent>): this {
    for (const extent of extents) this.add(extent)
    return this
  }

  build(): Extents {
    const extents = new Extents(this.#words.slice(0, this.#used))
    if (this.#isSorted) return extents
    const sorted = new ExtentsBuilder().addAll([...extents].sort((a, b) => a.block - b.block))
    assert(sorted.#isSorted, 'a block of a file is stored once')
    return sorted.build()
  }
}
