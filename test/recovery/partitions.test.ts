/**
 * A region that is cut off in every way, comes back and goes again amid the failover, while customers order through the
 * public name and somebody keeps writing to the old database by its endpoint.
 *
 * While the fence is proven, no two databases accept orders. Where it is not, each order that only the old database accepted
 * is in what the watch writes out when it is back. `npm test` does one round, by a seed that it prints and `LIFEBOAT_SEED`
 * repeats; `LIFEBOAT_ROUNDS=200` does as many.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { summary } from '../../src/recovery/recovery.ts'
import type { Drained } from '../../src/recovery/runbooks/region-failure/drain-primary.ts'
import type { Fenced } from '../../src/recovery/runbooks/region-failure/fence-primary.ts'
import type { Execution } from '../../src/runbook/execution.ts'
import { Chance, rounds } from '../trials/rounds.ts'
import { until } from '../trials/trial-region.ts'
import { isRogue, Rogue } from './rogue.ts'
import { AWAY, HOME, stepOf, twoRegionShop } from './two-region-shop.ts'

type Shop = ReturnType<typeof twoRegionShop>

/** What becomes of the region: before the failover begins, and amid it until it has ended. */
interface Weather {
  readonly before: (shop: Shop) => Promise<unknown>
  readonly amid?: (
    shop: Shop,
    o: { isOver: () => boolean; gate: Promise<void> },
  ) => Promise<unknown>
  /** Before the harm gate is approved. */
  readonly atGate?: (shop: Shop) => Promise<unknown>
  /** When customers are served all the time, nothing may be left. */
  readonly isHarmless?: true
}

const chance = new Chance()
const breakDown = (order: Parameters<ReturnType<Shop['home']>['breakDown']>[1]) => (shop: Shop) =>
  shop.home().breakDown(HOME, order)
const lift = (shop: Shop) => shop.home().lift(HOME)

/** There and gone again, for seconds or less, until the failover has ended. */
async function flap(shop: Shop, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await sleep(chance.between(100, 4_000))
    await lift(shop)
    await sleep(chance.between(100, 2_000))
    await shop.home().breakDown(HOME, { kind: 'freeze' })
  }
}

const WEATHERS: Readonly<Record<string, Weather>> = {
  'dead until the end': { before: breakDown({ kind: 'kill' }) },
  'silent until the end': { before: breakDown({ kind: 'freeze' }) },
  'silent, and back before anything is changed': {
    before: breakDown({ kind: 'freeze' }),
    atGate: lift,
  },
  'silent, and back at any moment': {
    before: breakDown({ kind: 'freeze' }),
    amid: async (shop) => {
      await sleep(chance.between(0, 12_000))
      await lift(shop)
    },
  },
  flapping: {
    before: breakDown({ kind: 'freeze' }),
    amid: (shop, { isOver }) => flap(shop, isOver),
  },
  // What flaps from the beginning is hardly ever confirmed to be lost.
  'silent, and flapping from the harm gate on': {
    before: breakDown({ kind: 'freeze' }),
    amid: async (shop, { isOver, gate }) => {
      await gate
      await flap(shop, isOver)
    },
  },
  'cut off from the other region': {
    before: breakDown({ kind: 'partition', from: AWAY }),
    isHarmless: true,
  },
  // The receipts of orders are objects, so that nobody can order.
  'without its API': { before: breakDown({ kind: 'api-only' }) },
  'shipping nothing': { before: breakDown({ kind: 'replication-only' }), isHarmless: true },
}

const names = Object.keys(WEATHERS)
/** Each of them in turn, beginning anywhere. */
const first = Math.floor(chance.next() * names.length)
const plan = Array.from({ length: rounds(1) }, (_, round) => ({
  round: round + 1,
  name: names[(first + round) % names.length]!,
}))

describe.each(plan)('round $round, with a region that is $name', ({ name }) => {
  const shop = twoRegionShop()

  test(`never has two databases that accept orders unnoticed (seed ${chance.seed})`, async () => {
    const weather = WEATHERS[name]!
    const old = (await shop.region(HOME).rds.getInstance('shop-db')).endpoint!
    const rogue = new Rogue(() => shop.session(old))
    try {
      await until('the rogue orders', 60_000, async () => rogue.acknowledged.length > 10)
      await weather.before(shop)
      const end = await underWeather(shop, weather)
      await lift(shop)
      if (end.status === 'canceled') await expectAsBefore(shop, rogue)
      else {
        expect(weather.isHarmless).toBeUndefined()
        await expectOneWriter(shop, rogue, end)
      }
      process.stdout.write(`${name}: ${end.status}, ${wordsOf(end)}\n`)
    } finally {
      await rogue.stop()
    }
  }, 600_000)
})

/** Fails over as an operator does: approves, tries again what failed after the one-way gate, and gives up before it. */
async function underWeather(shop: Shop, weather: Weather): Promise<Execution> {
  let isOver = false
  let reachGate = () => {}
  const gate = new Promise<void>((resolve) => {
    reachGate = resolve
  })
  const id = await shop.start({ witness: 'the test', acceptDataLoss: '10m' }, false)
  const raging = weather.amid?.(shop, { isOver: () => isOver, gate })
  try {
    for (let failures = 0; ; ) {
      const now = await shop.untilRest(id)
      const asks = now.steps.filter(({ status }) => status === 'pendingApproval')
      if (asks.some(({ name }) => name === 'pin-dns')) {
        reachGate()
        await weather.atGate?.(shop)
      }
      for (const { name: step } of asks) await shop.executions().approve(id, { by: 'test', step })
      if (asks.length > 0) continue
      if (now.status !== 'pausedByFailedStep') return now
      if (stepOf(now, 'promote').status === 'notStarted') {
        isOver = true
        reachGate()
        await raging
        await lift(shop)
        await shop.executions().cancel(id, { by: 'test' })
        return await shop.executions().waitFor(id, 'end')
      }
      failures += 1
      if (failures > 10) throw new Error(`it fails again and again: ${wordsOf(now)}`)
      await shop.executions().retry(id)
    }
  } finally {
    isOver = true
    reachGate()
    await raging
  }
}

/** Nothing was left: the old database serves everybody, and the replica follows it. */
async function expectAsBefore(shop: Shop, rogue: Rogue): Promise<void> {
  await shop.orders(20)
  const before = rogue.acknowledged.length
  await until('the rogue orders again', 60_000, async () => rogue.acknowledged.length > before)
  await rogue.stop()
  await shop.closeDoors()
  const there = await totalsIn(shop, HOME, 'shop-db')
  expect(rogue.acknowledged.filter(({ total }) => !there.totals.has(total))).toEqual([])
  expect(lostOf(shop, there.byId)).toEqual([])
  const replica = await instanceIn(shop, AWAY, 'shop-db-standby')
  const session = await shop.session(replica)
  const { rows } = await session.query('select pg_is_in_recovery() as yes')
  await session.end()
  expect(rows[0].yes).toBe(true)
}

/** The other region serves: customers lost what was said, and nobody else's order is lost without a word. */
async function expectOneWriter(shop: Shop, rogue: Rogue, end: Execution): Promise<void> {
  expect(end).toMatchObject({ status: 'completed', verdict: 'proven' })
  const fence = stepOf(end, 'fence').output as unknown as Fenced
  const owesFence = fence.grade === 'none'
  const owesDrain = (stepOf(end, 'drain-primary').output as unknown as Drained).unreached.length > 0
  let files: readonly string[] = []
  if (owesFence || owesDrain) {
    await shop.watching(async (said) => {
      await until('what the failover owes is paid', 180_000, async () => {
        const isFenced = !owesFence || /rows differ/.test(said())
        return isFenced && (!owesDrain || said().includes('were stopped'))
      })
      files = said().match(/\S+\.sql/g) ?? []
    })
  }
  const service = { cluster: 'shop', service: 'shop' }
  expect((await shop.region(HOME).services.getService(service)).desiredCount).toBe(0)
  await shop.orders(20)
  await until('the rogue is refused', 60_000, async () => rogue.refusals > 2)
  await rogue.stop()
  await shop.closeDoors()

  const there = await totalsIn(shop, AWAY, 'shop-db-standby')
  const kept = files.map((file) => readFileSync(file, 'utf8')).join('')
  const onlyOld = rogue.acknowledged.filter(({ total }) => !there.totals.has(total))
  if (fence.grade === 'proven') {
    const fencedAt = Date.parse(fence.fencedAt)
    expect(rogue.acknowledged.filter(({ at }) => at.getTime() > fencedAt)).toEqual([])
    expect(onlyOld).toEqual([])
  }
  expect(onlyOld.filter(({ total }) => !kept.includes(total))).toEqual([])
  // Nothing is said to be there only that has been shipped, or that nobody sent.
  const exported = new Set([...kept.matchAll(/\b9\d{5}\.00\b/g)].map(([total]) => total))
  const unsent = [...exported].filter(
    (total) => there.totals.has(total) || Number(total) > 900_000 + rogue.sent,
  )
  expect(unsent).toEqual([])
  expect(lostOf(shop, there.byId)).toHaveLength(summary(end).dataLoss.writes ?? -1)
}

async function instanceIn(shop: Shop, region: string, identifier: string) {
  let endpoint: { host: string; port: number } | undefined
  await until(`'${identifier}' answers`, 60_000, async () => {
    endpoint = (await shop.region(region).rds.getInstance(identifier)).endpoint
    return endpoint !== undefined
  })
  return endpoint!
}

async function totalsIn(shop: Shop, region: string, identifier: string) {
  const session = await shop.session(await instanceIn(shop, region, identifier))
  const { rows } = await session.query('select id::text, total::text from orders')
  await session.end()
  const byId = new Map<string, string>(rows.map(({ id, total }) => [id, total]))
  return { byId, totals: new Set([...byId.values()].filter(isRogue)) }
}

/** What customers were told of and is not there. */
function lostOf(shop: Shop, byId: ReadonlyMap<string, string>): string[] {
  return shop
    .acknowledged()
    .filter(({ id, total }) => byId.get(id) !== total)
    .map(({ id }) => id)
}

function wordsOf({ steps }: Execution): string {
  const fence = steps.find(({ name }) => name === 'fence')?.output as unknown as Fenced | null
  const errors = steps.flatMap(({ attempts }) => attempts.at(-1)?.error?.code ?? [])
  return [`fence ${fence?.grade ?? 'not tried'}`, ...errors].join(', ')
}
