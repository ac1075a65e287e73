import { afterAll, beforeAll, expect, test } from 'vitest'
import { captureBaseline } from '../../src/recovery/baseline.ts'
import { chooseSuspect, countVanished, findWritesSince } from '../../src/recovery/damage.ts'
import { chooseRecoveryPoint } from '../../src/recovery/recovery-point.ts'
import { listTables } from '../../src/recovery/tables.ts'
import { ScratchShop } from './scratch-shop.ts'

let shop: ScratchShop
beforeAll(async () => {
  shop = await ScratchShop.start()
})
afterAll(() => shop.stop())

const ALL = { ignore: [] }
let databases = 0

test('an UPDATE without WHERE is found, with its commit time to the microsecond', async () => {
  const session = await shop.createShop('damaged')
  const baseline = await session.transaction('snapshot', () => captureBaseline(session, ALL))
  expect(baseline.tables['public.orders']?.rows).toBe(1_000)
  expect(baseline.foreignKeys.map((key) => key.child)).toEqual([
    'public.line_items',
    'public.orders',
  ])

  await session.query(`INSERT INTO orders (customer_id, total) VALUES (1, 5)`)
  const [damage] = await session.query(
    'UPDATE orders SET total = 0 RETURNING pg_current_xact_id()::text AS id',
  )
  await session.query(
    `INSERT INTO orders (customer_id, total) SELECT 1, 7 FROM generate_series(1, 3)`,
  )

  const writes = await findWritesSince(session, await listTables(session, ALL), baseline.snapshot)
  const suspect = chooseSuspect(writes, { mostVanished: 0 })
  expect(suspect?.transaction).toMatchObject({
    ids: [damage!.id],
    rowsByTable: { 'public.orders': 1_001 },
  })

  const committed = await session.one(
    `SELECT to_char(pg_xact_commit_timestamp($1::xid) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`,
    [damage!.id],
  )
  expect(suspect?.transaction.committedAt).toBe(committed.at)
  const point = chooseRecoveryPoint({ suspect: suspect! })
  expect(point).toMatchObject({ how: 'suspect transaction', certainty: 'exact' })
  const lagMs = Date.parse(committed.at!) - Date.parse(point.time)
  expect(lagMs).toBeGreaterThanOrEqual(0)
  expect(lagMs).toBeLessThanOrEqual(1)
})

test('the pieces of a transaction with savepoints are one suspect', async () => {
  const session = await shop.createShop('savepoints')
  const { snapshot } = await session.transaction('snapshot', () => captureBaseline(session, ALL))
  await session.query(`BEGIN; SAVEPOINT a; UPDATE orders SET total = 0 WHERE id <= 500; RELEASE a;
    SAVEPOINT b; UPDATE orders SET total = 0 WHERE id > 500; RELEASE b; COMMIT`)

  const writes = await findWritesSince(session, await listTables(session, ALL), snapshot)
  expect(writes.transactions).toHaveLength(1)
  expect(writes.transactions[0]).toMatchObject({ rows: 1_000 })
  expect(writes.transactions[0]?.ids).toHaveLength(2)
})

test.each([
  ['DELETE FROM line_items', 2_000],
  ['TRUNCATE line_items', 2_000],
  ['DROP TABLE line_items', 2_000],
  ['DELETE FROM line_items WHERE order_id <= 100', 200],
])('after %s no innocent transaction is blamed', async (damage, vanished) => {
  const session = await shop.createShop(`vanished_${++databases}`)
  await session.query('SELECT pg_stat_force_next_flush()')
  await session.query('SELECT 1')
  const baseline = await session.transaction('snapshot', () => captureBaseline(session, ALL))
  await session.query(`INSERT INTO customers (name) SELECT 'new' FROM generate_series(1, 40)`)
  await session.query(damage)
  await session.query('SELECT pg_stat_force_next_flush()')

  const writes = await findWritesSince(session, await listTables(session, ALL), baseline.snapshot)
  const mostVanished = await countVanished(session, baseline)
  expect(mostVanished).toBe(vanished)
  expect(chooseSuspect(writes, { mostVanished })).toBeUndefined()
  expect(chooseSuspect(writes, { mostVanished: 0 })).toBeDefined()
})
