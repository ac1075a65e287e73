import { expect, test } from 'vitest'
import { pageOf } from './page.ts'

const all = Array.from({ length: 45 }, (_, index) => String(index).padStart(3, '0'))
const keyOf = (text: string) => text

test('pages hold everything once, in order', () => {
  const seen: string[] = []
  let Marker: string | undefined
  do {
    const { items, next } = pageOf(all, { MaxRecords: 20, Marker }, keyOf)
    seen.push(...items)
    Marker = next.Marker
  } while (Marker)
  expect(seen).toEqual(all)
})

test('a record that goes between two pages hides no other', () => {
  const { next } = pageOf(all, { MaxRecords: 20 }, keyOf)
  const fewer = all.filter((text) => text !== '005')
  const { items } = pageOf(fewer, { MaxRecords: 20, ...next }, keyOf)
  expect(items[0]).toBe('020')
})

test.each([19, 101, 1.5])('refuses %d records', (MaxRecords) => {
  expect(() => pageOf(all, { MaxRecords }, keyOf)).toThrow(/MaxRecords/)
})

test('refuses a marker that it did not give', () => {
  expect(() => pageOf(all, { Marker: 'made up' }, keyOf)).toThrow(/Marker/)
})
