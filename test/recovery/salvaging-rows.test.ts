import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/probe/database.ts'
import { captureBaseline } from '../../src/recovery/baseline.ts'
import { putBack } from '../../src/recovery/put-back.ts'
import { findSalvage, type SalvageCounts } from '../../src/recovery/salvage.ts'
import { SalvageFiles } from '../../src/recovery/salvage-files.ts'
import { advanceSequences } from '../../src/recovery/sequences.ts'
import { listForeignKeys, listTables } from '../../src/recovery/tables.ts'
import { ScratchShop } from './scratch-shop.ts'

let shop: ScratchShop
beforeAll(async () => {
  shop = await ScratchShop.start()
})
afterAll(() => shop.stop())

const ALL = { ignore: [] }
const CHECK = {
  name: 'every order has a total',
  sql: 'select count(*) from orders where total <= 0',
  expect: 0,
  everySeconds: 5,
  timeoutSeconds: 10,
}
const NASTY = `it's; \\ "quoted"\n-- next 00\r\n\t€ 'E'`

/** A shop that was damaged at a moment of which `<name>_restored` is a copy. */
async function damagedShop(name: string, orders = 1_000) {
  const before = await shop.createShop(name, orders)
  const { snapshot } = await before.transaction('snapshot', () => captureBaseline(before, ALL))
  await shop.copy(name, `${name}_restored`)
  const old = await shop.open({ database: name })
  const restored = await shop.open({ database: `${name}_restored` })
  return { name, snapshot, old, restored }
}

async function salvage(
  world: { name: string; snapshot: string; old: Database; restored: Database },
  suspects: string[],
) {
  const files = await SalvageFiles.create(join(shop.folder, world.name), 'f00d')
  const counts: SalvageCounts = await world.old.transaction('snapshot', async () =>
    findSalvage({
      ...world,
      suspects,
      tables: await listTables(world.old, ALL),
      foreignKeys: await listForeignKeys(world.old, ALL),
      files,
    }),
  )
  const sha256 = await files.close()
  const order = {
    database: world.restored,
    path: files.paths.salvage,
    sha256,
    separator: files.separator,
    checks: [CHECK],
  }
  return { files, counts, order }
}

test('good rows come back, damaged ones do not, conflicts and what is lost stand apart', async () => {
  const world = await damagedShop('salvaged')
  const { old, restored } = world
  // Before the damage, after the recovery point: overwritten, so lost, with their line items.
  await old.query(`INSERT INTO orders (customer_id, total) VALUES (1, 5);
    INSERT INTO line_items VALUES (1001, 1, 'lost with its order', 1)`)
  const [damage] = await old.query(
    'UPDATE orders SET total = 0 RETURNING pg_current_xact_id()::text AS id',
  )
  await old.query(`INSERT INTO customers (name) VALUES ('late')`)
  await old.query(
    `WITH o AS (INSERT INTO orders (customer_id, total, note) VALUES (51, 9.50, $1) RETURNING id)
     INSERT INTO line_items SELECT id, 1, 'rope', 1 FROM o`,
    [NASTY],
  )
  await old.query("UPDATE customers SET name = 'renamed' WHERE id = 7")
  await old.query("UPDATE orders SET note = 'touched after the damage' WHERE id = 3")

  const { files, counts, order } = await salvage(world, [damage!.id!])
  expect(counts).toEqual({
    salvaged: 3,
    conflicts: 2,
    lost: 2,
    heldBack: 1,
    byTable: {
      'public.customers': { salvaged: 1, conflicts: 1, lost: 0, heldBack: 0 },
      'public.orders': { salvaged: 1, conflicts: 1, lost: 1, heldBack: 0 },
      'public.line_items': { salvaged: 1, conflicts: 0, lost: 1, heldBack: 1 },
    },
    withoutKey: [],
  })
  for (const path of Object.values(files.paths)) expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readFileSync(files.paths.conflicts, 'utf8')).toContain(
    `UPDATE "public"."customers" SET "name" = 'renamed' WHERE "id" = '7' AND "name" IS NOT DISTINCT FROM 'customer 7';`,
  )

  await advanceSequences(old, restored)
  const { id: next } = await restored.one(
    'INSERT INTO orders (customer_id, total) VALUES (1, 1) RETURNING id',
  )
  expect(next).toBe('1003')

  expect(await putBack(order)).toBe(3)
  expect(await putBack(order)).toBe(0)
  expect(await restored.query('SELECT id, total, note, cents FROM orders WHERE id > 1000')).toEqual(
    [
      { id: '1003', total: '1.00', note: null, cents: '100' },
      { id: '1002', total: '9.50', note: NASTY, cents: '950' },
    ],
  )
  expect((await salvage(world, [damage!.id!])).counts).toMatchObject({ salvaged: 0 })
})

test('psql can replay the file', async () => {
  const world = await damagedShop('replayed')
  await world.old.query(`INSERT INTO orders (customer_id, total, note) VALUES (1, 5, $1)`, [NASTY])
  const { files } = await salvage(world, [])
  const { host, port, user, password, database } = shop.login({ database: 'replayed_restored' })
  execFileSync('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', files.paths.salvage], {
    env: {
      ...process.env,
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: user,
      PGPASSWORD: password,
      PGDATABASE: database,
    },
  })
  const { note } = await world.restored.one('SELECT note FROM orders WHERE id = 1001')
  expect(note).toBe(NASTY)
})

test('when a check fails with the salvaged rows, nothing is put back', async () => {
  const world = await damagedShop('unverified')
  await world.old.query('INSERT INTO orders (customer_id, total) VALUES (1, 5), (1, -5)')
  const { order } = await salvage(world, [])
  await expect(putBack(order)).rejects.toMatchObject({
    code: 'RestoreNotVerified',
    message: expect.stringContaining("'every order has a total' is failed: expected 0, found 1"),
  })
  const { rows } = await world.restored.one('SELECT count(*) AS rows FROM orders')
  expect(rows).toBe('1000')
})

test('a file that was edited is not run', async () => {
  const world = await damagedShop('edited')
  const { order } = await salvage(world, [])
  await expect(putBack({ ...order, sha256: 'other' })).rejects.toMatchObject({
    code: 'RestoreNotVerified',
  })
})

test('100,000 damaged rows are compared in seconds', async () => {
  const world = await damagedShop('large', 100_000)
  const [damage] = await world.old.query(
    'UPDATE orders SET total = 0 RETURNING pg_current_xact_id()::text AS id',
  )
  await world.old.query(
    `INSERT INTO orders (customer_id, total) SELECT 1, 5 FROM generate_series(1, 500)`,
  )
  const startedAt = performance.now()
  const { counts } = await salvage(world, [damage!.id!])
  expect(counts).toMatchObject({ salvaged: 500, conflicts: 0, lost: 0 })
  expect(performance.now() - startedAt).toBeLessThan(15_000)
})
