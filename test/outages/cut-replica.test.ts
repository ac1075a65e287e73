import { setTimeout as sleep } from 'node:timers/promises'
import type { DBInstance } from '@aws-sdk/client-rds'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { RegionClient } from '../../src/aws/region-client.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { OutageOrder } from '../../src/region/network/outages.ts'
import { HERE, rdsOfTwoRegions, THERE } from '../aws/rds/rds-of-two-regions.ts'
import { sql } from '../aws/rds/rds-under-test.ts'

/** Long enough for what replicates in milliseconds to have come, if it could. */
const A_WHILE_MS = 1_500
const SLOW_MS = 700

const world = rdsOfTwoRegions()
let shop: DBInstance
let far: DBInstance
let client: RegionClient
let last = 0

beforeAll(async () => {
  client = new RegionClient({ ...world.client(THERE), clock: systemClock })
  shop = await world.create(HERE, 'shop-db')
  await sql(shop, 'create table orders (id int)')
  await world.replicate(THERE, 'far', shop)
  far = await world.until(THERE, 'far', 'available')
  await world.untilReplicating(THERE, 'far')
})
afterEach(async () => {
  for (const name of [HERE, THERE]) await world.home().lift(name)
})
afterAll(() => client.close())

const write = async () => {
  last += 1
  await sql(shop, `insert into orders values (${last})`)
  return last
}
const has = async (id: number) =>
  (await sql(far, `select from orders where id = ${id}`)).length === 1
const arrives = (id: number) =>
  vi.waitFor(async () => expect(await has(id)).toBe(true), { timeout: 60_000, interval: 20 })
const lag = async () => (await client.databaseReplicas.figures('far')).lag?.seconds ?? 0

test.each<[string, OutageOrder]>([
  ['--partition-from', { kind: 'partition', from: HERE }],
  ['--replication-only', { kind: 'replication-only' }],
])(
  '%s cuts a replica off: no row arrives and its lag grows, until it is lifted',
  async (_, order) => {
    await arrives(await write())
    await world.home().breakDown(THERE, order)
    const id = await write()
    await sleep(A_WHILE_MS)
    expect(await has(id)).toBe(false)
    expect(await sql(far, 'select from pg_stat_wal_receiver')).toEqual([])
    const before = await lag()
    expect(before).toBeGreaterThanOrEqual(A_WHILE_MS / 1000)
    await vi.waitFor(async () => expect(await lag()).toBeGreaterThan(before), { timeout: 60_000 })
    await world.untilSaid(THERE, 'far', (one) => {
      expect(one?.StatusInfos).toMatchObject([{ Normal: false, Message: expect.any(String) }])
    })
    // Whoever asks either of them is answered as ever.
    expect(await sql(shop, 'select count(*)::int n from orders')).toEqual([{ n: last }])
    expect((await world.describe(HERE, 'shop-db'))?.DBInstanceStatus).toBe('available')
    await world.home().lift(THERE)
    await arrives(id)
    await world.untilReplicating(THERE, 'far')
  },
)

test('--slow: a row comes so much later, and the source does not wait', async () => {
  await world.home().breakDown(THERE, { kind: 'slow', ms: SLOW_MS })
  const timed = async () => {
    const startedMs = performance.now()
    const id = await write()
    return { id, startedMs, wroteMs: performance.now() - startedMs }
  }
  const first = await timed()
  await arrives(first.id)
  expect(performance.now() - first.startedMs).toBeGreaterThanOrEqual(SLOW_MS)
  const others = [await timed(), await timed()]
  // The fastest one: a busy machine is slow, too.
  expect(Math.min(...[first, ...others].map(({ wroteMs }) => wroteMs))).toBeLessThan(SLOW_MS)
})

test('a cut ends a base backup that is under way; another one is taken when it is lifted', async () => {
  await sql(shop, `create table heavy as select repeat('x', 1000) from generate_series(1, 150000)`)
  const sending = async () =>
    (await sql(shop, 'select pid from pg_stat_progress_basebackup'))[0]?.pid
  await world.replicate(THERE, 'second', shop)
  const first = await vi.waitUntil(sending, { timeout: 60_000, interval: 5 })
  await world.home().breakDown(THERE, { kind: 'partition', from: HERE })
  await vi.waitFor(async () => expect(await sending()).toBeUndefined(), { timeout: 60_000 })
  await sleep(A_WHILE_MS)
  expect((await world.describe(THERE, 'second'))?.DBInstanceStatus).toBe('creating')
  await world.home().lift(THERE)
  const another = await vi.waitUntil(sending, { timeout: 60_000, interval: 5 })
  expect(another).not.toBe(first)
  await world.until(THERE, 'second', 'available')
  await world.untilReplicating(THERE, 'second')
})

test('a replica finds its source by a gateway that was started anew', async () => {
  const port = Number(new URL(world.client(HERE).endpoint).port)
  await world.home().stop()
  await world.home().start([], { port, detach: true })
  await world.until(HERE, 'shop-db', 'available')
  await world.until(THERE, 'far', 'available')
  await arrives(await write())
  await world.home().breakDown(THERE, { kind: 'replication-only' })
  const id = await write()
  await sleep(A_WHILE_MS)
  expect(await has(id)).toBe(false)
  await world.home().lift(THERE)
  await arrives(id)
})
