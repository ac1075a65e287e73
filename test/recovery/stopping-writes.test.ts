import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { sqlStateOf } from '../../src/probe/database.ts'
import { fence, unfence } from '../../src/recovery/fence.ts'
import { listWriteGrants } from '../../src/recovery/grants.ts'
import { ScratchShop } from './scratch-shop.ts'

let shop: ScratchShop
beforeAll(async () => {
  shop = await ScratchShop.start()
})
afterAll(() => shop.stop())

test('every writer is refused, pooled sessions end, and every privilege comes back', async () => {
  const session = await shop.createShop('fenced')
  await session.query(`
    CREATE ROLE clerk LOGIN PASSWORD 'clerk'; CREATE ROLE auditor LOGIN PASSWORD 'auditor';
    CREATE ROLE clerks; GRANT clerks TO clerk;
    GRANT clerk, clerks TO shop WITH SET TRUE, INHERIT FALSE;
    GRANT SELECT, INSERT ON orders TO clerks WITH GRANT OPTION;
    GRANT UPDATE (note) ON orders TO clerk; GRANT SELECT ON orders TO PUBLIC;
    CREATE TABLE "Odd ""Name" ("a b" int PRIMARY KEY); GRANT DELETE ON "Odd ""Name" TO PUBLIC`)
  const before = await listWriteGrants(session)
  const pooled = await shop.open({ database: 'fenced', user: 'clerk' })
  await pooled.query('BEGIN; INSERT INTO orders (customer_id, total) VALUES (1, 66666)')

  const result = await fence(session, [], 'shop', systemClock)

  expect(result.endedSessions).toBe(1)
  expect(result.proof.roles).toEqual(['clerk', 'clerks', 'shop'])
  expect(result.proof.byCatalog).toEqual(['auditor'])
  expect(result.proof.unbound).toEqual(['rdsadmin'])
  expect(result.proof.refusedWrites).toBe(3 * 4 * 3)
  await expect(pooled.query('COMMIT')).rejects.toMatchObject({ code: 'DatabaseUnreachable' })
  for (const user of ['shop', 'clerk']) {
    const writer = await shop.open({ database: 'fenced', user })
    const failure = await writer
      .query(`INSERT INTO orders (customer_id, total) VALUES (1, 5)`)
      .catch((error: unknown) => error)
    expect(sqlStateOf(failure)).toBe('42501')
  }
  const { unsaid } = await session.one('SELECT count(*) AS unsaid FROM orders WHERE total = 66666')
  expect(unsaid).toBe('0')

  await unfence(session, result.grants)
  await unfence(session, result.grants)
  expect(await listWriteGrants(session)).toEqual(before)
  const clerk = await shop.open({ database: 'fenced', user: 'clerk' })
  await clerk.query("UPDATE orders SET note = 'back' WHERE id = 1")
})

test('a second attempt after a crash keeps what the first one knew', async () => {
  const session = await shop.createShop('fenced_twice')
  const known = await listWriteGrants(session)
  await fence(session, known, 'shop', systemClock)
  const again = await fence(session, known, 'shop', systemClock)
  expect(again.grants).toEqual(known)
})

test('a role that may write everything without a grant is named', async () => {
  const admin = await shop.open({ database: 'postgres', user: 'rdsadmin' })
  await admin.query('CREATE ROLE butler LOGIN; GRANT pg_write_all_data TO butler')
  const session = await shop.createShop('butler')
  await expect(fence(session, [], 'shop', systemClock)).rejects.toMatchObject({
    code: 'FenceNotProven',
    message: expect.stringContaining("'butler' may still write"),
  })
  await admin.query('DROP ROLE butler')
})

test('a workload that logs in as a superuser is not called fenced', async () => {
  await shop.createShop('superuser')
  const admin = await shop.open({ database: 'superuser', user: 'rdsadmin' })
  await expect(fence(admin, [], 'rdsadmin', systemClock)).rejects.toMatchObject({
    code: 'FenceNotProven',
  })
  expect((await listWriteGrants(admin)).length).toBeGreaterThan(0)
})
