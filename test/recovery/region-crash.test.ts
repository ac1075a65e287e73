/**
 * A failover and the way home whose Lifeboat is killed with `kill -9` in one step after the other, each time resumed by
 * another process: what was done is done once, and the loss is what was announced.
 *
 * `npm test` kills in a few steps, by a seed that it prints and `LIFEBOAT_SEED` repeats; `LIFEBOAT_CRASH_POINTS=all` kills
 * in every step of both runbooks, in each before, amid or after its effect.
 */
import { expect, test } from 'vitest'
import { failbackInput, summary } from '../../src/recovery/recovery.ts'
import { failback } from '../../src/recovery/runbooks/failback.ts'
import { regionFailure } from '../../src/recovery/runbooks/region-failure.ts'
import type { CrashOrder, CrashPoint } from '../../src/runbook/crash-process.ts'
import { inProcess, placeOf } from '../../src/runbook/crash-tests.ts'
import type { Execution } from '../../src/runbook/execution.ts'
import type { Json, Runbook } from '../../src/runbook/runbook.ts'
import { Chance } from '../trials/rounds.ts'
import { AWAY, HOME, stepOf, twoRegionShop } from './two-region-shop.ts'

const KILLS = process.env.LIFEBOAT_CRASH_POINTS === 'all' ? Number.POSITIVE_INFINITY : 3
const RUN_WITHIN_MS = 180_000

const shop = twoRegionShop()
const chance = new Chance()
let failover: Execution

test('a failover that is killed again and again ends as one that is not', async () => {
  await shop.home().breakDown(HOME, { kind: 'kill' })
  failover = await killedAgainAndAgain(regionFailure, shop.failoverInput())
  expect(failover).toMatchObject({ status: 'completed', verdict: 'proven' })
  await shop.orders(20)
  const report = summary(failover)
  expect(report.dataLoss.writes).toBe(report.announcedLoss?.writes)
  expect(report.isProtected).toBe(true)
  expect(await instancesIn(AWAY)).toEqual(['shop-db-standby'])
  // A second promotion would begin a third timeline, a second move of the secret would forget where it had pointed.
  expect(await timelineOf('shop-db-standby', AWAY)).toBe(2)
}, 900_000)

test('so does the way home, on which nothing is lost', async () => {
  await shop.home().lift(HOME)
  const input = failbackInput(failover, { incidentFolder: shop.incidents(), ledger: shop.ledger() })
  const home = await killedAgainAndAgain(failback, { ...input })
  expect(home).toMatchObject({ status: 'completed', verdict: 'proven' })
  await shop.orders(20)
  await shop.closeDoors()
  const report = summary(home)
  expect(report).toMatchObject({ fence: 'proven', dataLoss: { writes: 0 }, isProtected: true })
  const { instance } = report.restored!
  expect(await instancesIn(HOME)).toEqual(['shop-db', instance].sort())
  expect(await instancesIn(AWAY)).toHaveLength(2)
  expect(await timelineOf(instance, HOME)).toBe(3)

  const { endpoint } = await shop.region(HOME).rds.getInstance(instance)
  const session = await shop.session(endpoint!)
  const { rows } = await session.query('select id::text, total::text from orders')
  await session.end()
  const totals = new Map(rows.map(({ id, total }) => [id, total]))
  const lost = shop.acknowledged().filter(({ id, total }) => totals.get(id) !== total)
  expect(lost.length).toBe(summary(failover).dataLoss.writes)
}, 900_000)

/** Executes a runbook in processes of which each is killed in another step, until one may go on to the end. */
async function killedAgainAndAgain(runbook: Runbook, input: Json): Promise<Execution> {
  const id = `${runbook.name}-crash`
  const module = new URL(`./region-crash-world.mjs?${runbook.name}`, import.meta.url).href
  const order = {
    module,
    databaseUrl: shop.stateUrl(),
    id,
    world: { input, access: shop.access() },
  }
  const names = runbook.steps.map(({ name }) => name)
  const chosen = new Set(
    Number.isFinite(KILLS) ? Array.from({ length: KILLS }, () => chance.pick(names)) : names,
  )
  const killedIn: CrashPoint[] = []
  for (;;) {
    const now = killedIn.length > 0 ? await shop.executions().get(id) : undefined
    const isOpen = (step: string) => !now || stepOf(now, step).status !== 'completed'
    const step = names.find((name) => chosen.delete(name) && isOpen(name))
    const kill = step && pointIn(step)
    const next: CrashOrder<unknown> = { ...order, resume: now !== undefined, ...(kill && { kill }) }
    const { signal, output } = await inProcess(next, RUN_WITHIN_MS)
    if (signal === null) {
      const execution = await shop.executions().get(id)
      expect(execution.steps.flatMap(({ attempts }) => attempts.at(-1)?.error ?? [])).toEqual([])
      expect(output).toBe('completed')
      // Steps of a branch beside the one that died may have ended before it was their turn.
      expect(killedIn.length).toBeGreaterThan(0)
      process.stdout.write(
        `${runbook.name}, seed ${chance.seed}, killed ${killedIn.map(placeOf).join(', ')}\n`,
      )
      return execution
    }
    expect(signal).toBe('SIGKILL')
    killedIn.push(kill as CrashPoint)
  }
}

function pointIn(step: string): CrashPoint {
  const when = chance.pick(['before', 'during', 'after'] as const)
  // Anything at all: most of a step's life is after its first words to the outside.
  return when === 'during' ? { step, when, sent: '.' } : { step, when }
}

async function instancesIn(region: string): Promise<string[]> {
  return (await shop.region(region).rds.listInstances()).map(({ identifier }) => identifier).sort()
}

async function timelineOf(instance: string, region: string): Promise<number> {
  const { endpoint } = await shop.region(region).rds.getInstance(instance)
  const session = await shop.session(endpoint!)
  const { rows } = await session.query('select pg_walfile_name(pg_current_wal_lsn()) as file')
  await session.end()
  return Number.parseInt(rows[0].file.slice(0, 8), 16)
}
