import { expect, test } from 'vitest'
import { page, pageByTurns } from './page.ts'
import { keyPrefix, makePlace, objectKeyIn, versionKey } from './version-key.ts'

const BUCKET = 1

/** Ten folders of a thousand keys with three versions each, and how many of those a page reads. */
class Entries {
  readonly #places = Array.from({ length: 30_000 }, (_, at) => {
    const key = `folder-${Math.floor(at / 3000)}/key-${String(Math.floor(at / 3)).padStart(5, '0')}`
    const place = makePlace({ timeMs: 3 - (at % 3), count: 0 }, '0'.repeat(24))
    return versionKey(keyPrefix(BUCKET, key), place)
  })
  read = 0;

  *rowsFrom(start: Buffer): Generator<{ key: Buffer; value: string }> {
    const first = this.#places.findIndex((place) => Buffer.compare(place, start) >= 0)
    for (const key of first < 0 ? [] : this.#places.slice(first)) {
      this.read++
      yield { key, value: 'value' }
    }
  }
}

function read(o: { delimiter?: string; onlyFirst?: boolean; limit: number }) {
  const entries = new Entries()
  const rowsFrom = (start: Buffer) => entries.rowsFrom(start)
  const keyOf = (place: Buffer) => objectKeyIn(place)
  return { entries, found: page<string>({ ...o, rowsFrom, keyOf, bucket: BUCKET }) }
}

test('what stands under a common prefix is not read', () => {
  const { entries, found } = read({ delimiter: '/', limit: 1000 })
  expect(found.commonPrefixes).toHaveLength(10)
  expect(entries.read).toBe(10)
})

test('a page reads no more than it shows and the older versions between', () => {
  const { entries, found } = read({ onlyFirst: true, limit: 100 })
  expect(found.rows).toHaveLength(100)
  expect(entries.read).toBeLessThanOrEqual(301)
})

test('a page that passes over many hidden entries lets others run, and misses nothing', async () => {
  const entries = new Entries()
  let isOver = false
  const found = pageByTurns<string>({
    rowsFrom: (start) => entries.rowsFrom(start),
    keyOf: (place) => objectKeyIn(place),
    bucket: BUCKET,
    delimiter: '/',
    limit: 10,
    onlyFirst: true,
    isHidden: () => entries.read < 10_000,
  }).then((result) => {
    isOver = true
    return result
  })
  let turns = 0
  for (; !isOver; turns++) await new Promise(setImmediate)
  expect(turns).toBeGreaterThan(2)
  // Of the folder in which the hidden ones end, what is not hidden is shown.
  expect((await found).commonPrefixes).toHaveLength(7)
})
