import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteReader, ByteWriter } from './byte-stream.ts'
import { type Extent, Extents, ExtentsBuilder, PAGE_BYTES } from './extents.ts'

/** Which frame and byte each block of a file is found at: what extents say, block by block. */
function blocksOf(extents: Iterable<Extent>): Map<number, string> {
  const blocks = new Map<number, string>()
  for (const { block, count, frame, at } of extents) {
    for (let index = 0; index < count; index++) {
      expect(blocks.has(block + index)).toBe(false)
      blocks.set(block + index, `${frame}:${at + index * PAGE_BYTES}`)
    }
  }
  return blocks
}

/** Extents with holes between them, in any order. */
const someExtents = fc
  .array(fc.record({ hole: fc.nat(3), count: fc.integer({ min: 1, max: 5 }), frame: fc.nat(3) }))
  .map((parts) => {
    let block = 0
    return parts.map(({ hole, count, frame }, index) => {
      block += hole
      const extent = { block, count, frame, at: index * 100_000 }
      block += count
      return extent
    })
  })

test('extents that were added in any order are all found again', () => {
  const shuffled = someExtents.chain((list) =>
    fc.shuffledSubarray(list, { minLength: list.length }).map((order) => ({ list, order })),
  )
  fc.assert(
    fc.property(shuffled, ({ list, order }) => {
      const built = new ExtentsBuilder().addAll(order).build()
      expect(blocksOf(built)).toEqual(blocksOf(list))
      const starts = [...built].map(({ block }) => block)
      expect(starts).toEqual([...starts].sort((a, b) => a - b))
    }),
  )
})

test('what is left of old extents and what is newer make the whole file, once', () => {
  fc.assert(
    fc.property(someExtents, someExtents, fc.nat(40), (old, newer, limit) => {
      const own = new ExtentsBuilder().addAll(newer.map((one) => ({ ...one, frame: 9 }))).build()
      const kept = [...new ExtentsBuilder().addAll(old).build().without(own, limit)]
      const expected = new Map(
        [...blocksOf(old)].filter(([block]) => block < limit && !blocksOf(own).has(block)),
      )
      expect(blocksOf(kept)).toEqual(expected)
    }),
  )
})

test('neighbours in a file and in a frame are one extent', () => {
  const built = new ExtentsBuilder()
    .addAll([
      { block: 0, count: 2, frame: 1, at: 0 },
      { block: 2, count: 1, frame: 1, at: 2 * PAGE_BYTES },
      { block: 3, count: 1, frame: 2, at: 3 * PAGE_BYTES },
    ])
    .build()
  expect(built.size).toBe(2)
  expect(built.end).toBe(4)
  expect(Extents.none.end).toBe(0)
})

test('numbers and text survive being packed', () => {
  const value = fc.oneof(
    fc.record({ kind: fc.constant('number' as const), value: fc.maxSafeNat() }),
    fc.record({
      kind: fc.constant('signed' as const),
      value: fc.integer({ min: -(2 ** 50), max: 2 ** 50 }),
    }),
    fc.record({ kind: fc.constant('double' as const), value: fc.double({ noNaN: true }) }),
    fc.record({ kind: fc.constant('text' as const), value: fc.string({ unit: 'binary' }) }),
  )
  fc.assert(
    fc.property(fc.array(value), (values) => {
      const writer = new ByteWriter()
      for (const { kind, value } of values) writer[kind](value as never)
      const bytes = writer.take()
      const reader = new ByteReader(bytes)
      for (const { kind, value } of values) expect(reader[kind]()).toEqual(value)
      expect(reader.isAtEnd).toBe(true)
    }),
  )
})
