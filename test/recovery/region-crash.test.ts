/**
 * A failover and the way home whose Lifeboat is killed with `kill -9` in one step after the other, each time resumed by
 * another process: what was done is done once, and the loss is what was announced.
 *
 * `npm test` kills in a step or two, by a seed that it prints and `LIFEBOAT_SEED` repeats; `LIFEBOAT_CRASH_POINTS=all` kills
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

const isLong = process.env.LIFEBOAT_CRASH_POINTS === 'all'
const KILLS = 1
/** Who may write has been taken away, and the step has not told from whom. */
const REVOKED = { step: 'stop-writes', when: 'during', sent: 'WHERE false' } as const
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

test('a way home that dies while it stops writes, and is canceled, leaves customers where they were', async () => {
  await shop.home().lift(HOME)
  const { id, execute } = executing(failback, homecoming(), 'canceled')
  expect(await execute({ kill: REVOKED })).toMatchObject({ signal: 'SIGKILL' })
  await shop.executions().cancel(id, { by: 'test' })
  expect((await shop.executions().waitFor(id, 'end')).status).toBe('canceled')
  await shop.orders(20)
  expect(await instancesIn(HOME)).toEqual(['shop-db'])
  // So that the next way home finds them as they were while all was well.
  expect(await rulesIn(HOME, 'shop-receipts')).toEqual([true])
  expect(await rulesIn(AWAY, `shop-receipts-${AWAY}`)).toEqual([false])
}, 300_000)

test('a way home that is killed again and again ends as one that is not, and nothing is lost on it', async () => {
  const home = await killedAgainAndAgain(failback, homecoming(), REVOKED)
  expect(home).toMatchObject({ status: 'completed', verdict: 'proven' })
  await shop.orders(20)
  await shop.closeDoors()
  const report = summary(home)
  expect(report).toMatchObject({ fence: 'proven', dataLoss: { writes: 0 }, isProtected: true })
  expect(stepOf(home, 'rules-away').output).toEqual({ rules: 1, fault: null })
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

/** Whether the rules of a bucket are enabled. */
async function rulesIn(region: string, bucket: string): Promise<boolean[]> {
  const replication = await shop.region(region).buckets.findReplication(bucket)
  return replication!.rules.map(({ isEnabled }) => isEnabled)
}

function homecoming(): Json {
  return { ...failbackInput(failover, { incidentFolder: shop.incidents(), ledger: shop.ledger() }) }
}

/** An execution in processes of its own, one after the other. */
function executing(runbook: Runbook, input: Json, name: string) {
  const id = `${runbook.name}-${name}`
  const module = new URL(`./region-crash-world.mjs?${runbook.name}`, import.meta.url).href
  const world = { input, access: shop.access() }
  const order = { module, databaseUrl: shop.stateUrl(), id, world }
  const execute = (more: Pick<CrashOrder<unknown>, 'kill' | 'resume'>) =>
    inProcess({ ...order, ...more }, RUN_WITHIN_MS)
  return { id, execute }
}

/** Executes a runbook in processes of which each is killed in another step, until one may go on to the end. */
async function killedAgainAndAgain(
  runbook: Runbook,
  input: Json,
  always?: CrashPoint,
): Promise<Execution> {
  const { id, execute } = executing(runbook, input, 'killed')
  const names = runbook.steps.map(({ name }) => name)
  const some = Array.from({ length: KILLS }, () => chance.pick(names))
  const chosen = new Set(isLong ? names : [...some, ...(always ? [always.step] : [])])
  const killedIn: CrashPoint[] = []
  for (;;) {
    const now = killedIn.length > 0 ? await shop.executions().get(id) : undefined
    const isOpen = (step: string) => !now || stepOf(now, step).status !== 'completed'
    const step = names.find((name) => chosen.delete(name) && isOpen(name))
    const kill = step && (step === always?.step ? always : pointIn(step))
    const { signal, output } = await execute({ resume: now !== undefined, ...(kill && { kill }) })
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
