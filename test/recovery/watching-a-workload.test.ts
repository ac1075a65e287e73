import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { placeOf } from '../../src/probe/database.ts'
import { History } from '../../src/recovery/history.ts'
import { countLoss } from '../../src/recovery/loss.ts'
import { Monitor } from '../../src/recovery/monitor.ts'
import {
  countAfterDeletingAll,
  makeCheckFail,
  orphansAfterDeletingParents,
} from '../../src/recovery/negative-control.ts'
import { listForeignKeys, listTables } from '../../src/recovery/tables.ts'
import { parseWorkload } from '../../src/recovery/workload-file.ts'
import { WriteLedger, writeLedgerFile } from '../../src/recovery/write-ledger.ts'
import { StateDatabase } from '../../src/runbook/state-database.ts'
import { ScratchShop } from './scratch-shop.ts'

let shop: ScratchShop
let state: StateDatabase
let history: History
beforeAll(async () => {
  shop = await ScratchShop.start()
  const admin = await shop.open({ user: 'rdsadmin', database: 'postgres' })
  await admin.query('CREATE DATABASE state')
  const { host, port, user, password } = shop.login({ user: 'rdsadmin', database: 'state' })
  state = await StateDatabase.open(`postgres://${user}:${password}@${host}:${port}/state`)
  history = await History.open(state)
})
afterAll(async () => {
  await state.close()
  await shop.stop()
})

const ALL = { ignore: [] }
const workload = parseWorkload(`
workload: shop
objectives: { rto: 15m, rpo: 5m }
regions: { primary: ap-southeast-1 }
database: { instance: shop-db, secret: shop/database }
checks:
  - { name: every order has a total, sql: select count(*) from orders where total <= 0, expect: 0, every: 100ms }
  - { name: there are customers, sql: select count(*) > 10 from customers, expect: true, every: 150ms }
`)

async function until(condition: () => boolean, clock: Clock = systemClock) {
  const deadline = clock.monotonicMs() + 20_000
  while (!condition()) {
    if (clock.monotonicMs() > deadline) throw new Error('it did not come about in 20 s')
    await clock.sleep(10)
  }
}

test('a monitor knows the last good and the first bad moment, and keeps a baseline', async () => {
  const session = await shop.createShop('watched')
  const login = shop.login({ database: 'watched' })
  let runs = 0
  const monitor = new Monitor({
    workload,
    history,
    clock: systemClock,
    login: async () => login,
    onResults: () => {
      runs += 1
    },
  })
  monitor.start()
  await until(() => monitor.state === 'passed' && runs > 3)
  const { damage } = await session.one(
    `WITH damage AS (UPDATE orders SET total = 0) SELECT to_json(clock_timestamp())#>>'{}' AS damage`,
  )
  await until(() => monitor.state === 'failed')
  await monitor.stop()

  const place = placeOf(login)
  const names = workload.checks.map(({ name }) => name)
  const found = await history.findings('shop', place, names)
  expect(found.firstBad).toMatchObject({
    check: 'every order has a total',
    state: 'failed',
    value: '1000',
    reason: 'expected 0, found 1000',
  })
  expect(Date.parse(found.lastGoodAt!)).toBeLessThanOrEqual(Date.parse(damage!))
  expect(Date.parse(found.firstBad!.seenAt)).toBeGreaterThan(Date.parse(damage!))
  expect(Math.abs(found.firstBad!.skewMs)).toBeLessThan(1_000)

  const baseline = await history.baselineAtOrBefore('shop', place, found.lastGoodAt!)
  expect(baseline?.tables['public.orders']).toMatchObject({ rows: 1_000 })
  await history.expire('shop', new Date())
  expect(await history.baselineAtOrBefore('shop', place, found.lastGoodAt!)).toEqual(baseline)
})

test('a database that cannot be reached is unknown: not failed, not passed', async () => {
  const login = { ...shop.login({ database: 'watched' }), port: 1 }
  const monitor = new Monitor({ workload, history, clock: systemClock, login: async () => login })
  const results = await monitor.runOnce()
  expect(results.map((result) => result.state)).toEqual(['unknown', 'unknown'])
  expect(results[0]?.reason).toContain('accepts no connection')
  await monitor.stop()
})

test('a table that is gone fails its check; a slow query is unknown', async () => {
  await shop.createShop('gone')
  const login = shop.login({ database: 'gone' })
  const checks = [
    { ...workload.checks[0]!, sql: 'select count(*) from no_such_table' },
    { ...workload.checks[1]!, sql: 'select pg_sleep(5)', timeoutSeconds: 0.05 },
  ]
  const monitor = new Monitor({
    workload: { ...workload, name: 'gone', checks },
    history,
    clock: systemClock,
    login: async () => login,
  })
  const results = await monitor.runOnce()
  expect(results.map((result) => result.state)).toEqual(['failed', 'unknown'])
  await monitor.stop()
})

test('a check is made to fail by damage that is rolled back', async () => {
  const session = await shop.createShop('control')
  const tables = await listTables(session, ALL)
  const check = workload.checks[0]!
  expect(await makeCheckFail(session, check, tables)).toBe(
    "total of one row of public.orders set to '0'",
  )
  expect(await makeCheckFail(session, workload.checks[1]!, tables)).toBe(
    'every row of public.customers deleted',
  )
  const vacuous = { ...check, sql: 'select count(*) from orders where false' }
  expect(await makeCheckFail(session, vacuous, tables)).toBeUndefined()

  const orders = tables.find(({ name }) => name === 'public.orders')!
  expect(await countAfterDeletingAll(session, orders)).toBe(0)
  const keys = await listForeignKeys(session, ALL)
  expect(keys.map((key) => key.child)).toEqual(['public.line_items', 'public.orders'])
  expect(await orphansAfterDeletingParents(session, keys[0]!)).toBe(2_000)
  const { rows } = await session.one('select count(*) as rows from line_items')
  expect(rows).toBe('2000')
  expect(await listForeignKeys(session, ALL)).toEqual(keys)
})

test('a write ledger goes on by itself, and what is missing is counted', async () => {
  const session = await shop.createShop('ledgered')
  await session.query('GRANT CREATE ON DATABASE ledgered TO shop')
  const path = join(shop.folder, 'ledger.jsonl')
  const login = async () => shop.login({ database: 'ledgered' })
  const lines = () => readFileSync(path, 'utf8').split('\n').filter(Boolean)
  // A line that was cut off was not acknowledged.
  const whole = () => lines().filter((line) => line.endsWith('}'))

  const first = await WriteLedger.open({ path, login, clock: systemClock })
  first.start()
  await until(() => lines().length >= 2)
  await first.stop()
  writeFileSync(path, '{"sequence":99', { flag: 'a' })
  const second = await WriteLedger.open({ path, login, clock: systemClock })
  second.start()
  await until(() => whole().length >= 4)
  await second.stop()

  const ledger = writeLedgerFile(path, workload)
  const acknowledged = whole().length
  expect(await countLoss(session, ledger)).toMatchObject({
    acknowledged,
    lost: 0,
    altered: 0,
    oldestLostAt: null,
  })
  await session.query('DELETE FROM lifeboat.write_ledger WHERE sequence = 1')
  const { acknowledgedAt } = JSON.parse(lines()[0]!)
  expect(await countLoss(session, ledger)).toMatchObject({ lost: 1, oldestLostAt: acknowledgedAt })
})

test('a count ends with what was acknowledged when it began, however fast customers go on', async () => {
  const session = await shop.createShop('busy')
  const path = join(shop.folder, 'busy.jsonl')
  const line = (sequence: number) => `{"sequence":${sequence},"at":"2026-01-01T00:00:00Z"}\n`
  const lines = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => line(from + index)).join('')
  writeFileSync(path, lines(1, 2_500))
  await session.query('CREATE TABLE acknowledged (sequence bigint PRIMARY KEY)')
  await session.query('INSERT INTO acknowledged SELECT generate_series(1, 2500)')
  let turns = 0
  // A real session whose customers write as much as it looks up; they tire, so that a count without an end is seen to have had none.
  const busy = new Proxy(session, {
    get: (target, name) => {
      const value = Reflect.get(target, name)
      if (name !== 'query') return typeof value === 'function' ? value.bind(target) : value
      return (...args: unknown[]) => {
        turns += 1
        if (turns < 30) writeFileSync(path, lines(2_500 + turns * 1_000, 1_000), { flag: 'a' })
        return value.apply(target, args)
      }
    },
  })
  const ledger = {
    ...{ path, keyField: 'sequence', timeField: 'at' },
    ...{ table: 'public.acknowledged', keyColumn: 'sequence' },
  }
  expect(await countLoss(busy, ledger)).toMatchObject({ acknowledged: 2_500, lost: 0 })
})
