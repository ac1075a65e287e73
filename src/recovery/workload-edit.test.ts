import { expect, test } from 'vitest'
import { renameDatabase } from './workload-edit.ts'

const FILE = `# Ours.
workload: shop # the shop
objectives: { rto: 15m,   rpo: 5m }
regions: { primary: ap-southeast-1, recovery: us-east-1 }
database:
  standby: "shop-db-standby" # small
  instance: shop-db
  secret: shop/database
checks: [{ name: shop-db, sql: select 1, expect: 1, every: 5s }]
`
const before = { instance: 'shop-db', standby: 'shop-db-standby' }
const after = { instance: 'shop-db-home-1', standby: 'shop-db-standby-1' }

test('names what a recovery has made, at its place, and leaves every other character', () => {
  const { text, changes } = renameDatabase(FILE, 'lifeboat.yaml', { before, after })
  expect(text).toBe(
    FILE.replace('"shop-db-standby"', 'shop-db-standby-1').replace(
      'instance: shop-db',
      'instance: shop-db-home-1',
    ),
  )
  expect(changes).toEqual([
    { place: 'lifeboat.yaml:7:13', key: 'instance', from: 'shop-db', to: 'shop-db-home-1' },
    {
      place: 'lifeboat.yaml:6:12',
      key: 'standby',
      from: 'shop-db-standby',
      to: 'shop-db-standby-1',
    },
  ])
  expect(renameDatabase(text, 'lifeboat.yaml', { before, after })).toEqual({ text, changes: [] })
})

test('changes no standby that the recovery has left as it is', () => {
  const { changes } = renameDatabase(FILE, 'f', { before, after: { instance: 'shop-db-restored' } })
  expect(changes.map(({ key }) => key)).toEqual(['instance'])
})

test('refuses a file that names neither what was nor what is, and one without a standby', () => {
  const other = FILE.replace('instance: shop-db', 'instance: other')
  expect(() => renameDatabase(other, 'f', { before, after })).toThrow(
    "f names 'other' as instance, and the recovery began with 'shop-db'",
  )
  const none = FILE.replace(/ {2}standby.*\n/, '')
  expect(() => renameDatabase(none, 'f', { before, after })).toThrow('f names no standby')
  expect(() => renameDatabase('workload: 5', 'f', { before, after })).toThrow('f:1:11')
})
