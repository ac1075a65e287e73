import { expect, test } from 'vitest'
import { isWithin, rowInterval } from './row-counts.ts'

const before = { rows: 1_000, inserted: 5_000, deleted: 4_000 }

test('a restored count lies between all deletes and all inserts since the baseline', () => {
  const interval = rowInterval(before, { inserted: 5_030, deleted: 4_010 })
  expect(interval).toEqual({ least: 990, most: 1_030 })
  expect(isWithin(990, interval!)).toBe(true)
  expect(isWithin(989, interval!)).toBe(false)
  expect(isWithin(1_031, interval!)).toBe(false)
})

test('a quiet table must have exactly what it had', () => {
  expect(rowInterval(before, { inserted: 5_000, deleted: 4_000 })).toEqual({
    least: 1_000,
    most: 1_000,
  })
})

test('a DELETE of everything does not excuse an empty table', () => {
  expect(rowInterval(before, { inserted: 5_000, deleted: 5_000 }, 3)).toEqual({
    least: 997,
    most: 1_000,
  })
})

test('a table that always loses most of its rows is taken as it is', () => {
  expect(rowInterval(before, { inserted: 5_900, deleted: 4_900 }, 950)).toEqual({
    least: 100,
    most: 1_900,
  })
})

test('nothing can be said after the statistics were reset', () => {
  expect(rowInterval(before, { inserted: 12, deleted: 0 })).toBeUndefined()
})
