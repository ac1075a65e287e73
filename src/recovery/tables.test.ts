import { expect, test } from 'vitest'
import { foreignKeyOrder } from './tables.ts'

const tables = (...names: string[]) => names.map((name) => ({ name }))
const key = (child: string, parent: string) => ({ name: `${child}_${parent}`, child, parent })
const namesOf = ({ order }: { order: { name: string }[] }) => order.map(({ name }) => name)

test('parents come before children', () => {
  const result = foreignKeyOrder(tables('a_items', 'b_orders', 'c_customers'), [
    key('a_items', 'b_orders'),
    key('b_orders', 'c_customers'),
  ])
  expect(namesOf(result)).toEqual(['c_customers', 'b_orders', 'a_items'])
  expect(result.inCycles).toEqual([])
})

test('a table that refers to itself is named and does not block', () => {
  const result = foreignKeyOrder(tables('folders', 'files'), [
    key('folders', 'folders'),
    key('files', 'folders'),
  ])
  expect(namesOf(result)).toEqual(['folders', 'files'])
  expect(result.inCycles).toEqual(['folders_folders'])
})

test('a cycle is broken once, where the fewest references are', () => {
  const result = foreignKeyOrder(tables('a', 'b', 'c', 'd'), [
    key('a', 'b'),
    key('b', 'c'),
    key('c', 'a'),
    key('d', 'a'),
  ])
  expect(namesOf(result)).toHaveLength(4)
  expect(result.inCycles).toHaveLength(1)
  expect(namesOf(result).indexOf('d')).toBeGreaterThan(namesOf(result).indexOf('a'))
})

test('references to tables that are left out do not matter', () => {
  expect(namesOf(foreignKeyOrder(tables('orders'), [key('orders', 'customers')]))).toEqual([
    'orders',
  ])
})
