import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { failbackInput, summary } from '../../src/recovery/recovery.ts'
import type { Divergence } from '../../src/recovery/runbooks/failback/quarantine.ts'
import type { RegionFailureOutputs } from '../../src/recovery/runbooks/region-failure/report.ts'
import type { Execution } from '../../src/runbook/execution.ts'
import { until } from '../trials/trial-region.ts'
import { AWAY, HOME, stepOf, twoRegionShop } from './two-region-shop.ts'

const LOCKS = 'eu-west-1'
const shop = twoRegionShop({ lockRegion: LOCKS })
let failover: Execution

const standby = async () => (await shop.region(AWAY).rds.getInstance('shop-db-standby')).endpoint!
const isReplica = async () => {
  const session = await shop.session(await standby())
  const { rows } = await session.query('select pg_is_in_recovery() as yes')
  await session.end()
  return rows[0].yes as boolean
}

test('a region whose APIs are dead, and whose database is well, is not left', async () => {
  await shop.home().breakDown(HOME, { kind: 'api-only' })
  const id = await shop.start()
  const { status, steps } = await shop.untilRest(id)
  await shop.home().lift(HOME)
  expect(status).toBe('pausedByFailedStep')
  expect(steps[0]!.attempts.at(-1)!.error).toMatchObject({
    code: 'FailoverNotConfirmed',
    message: expect.stringContaining("the replica in us-east-1 hears from 'shop-db': healthy"),
  })
  await shop.executions().cancel(id, { by: 'test' })
  expect((await shop.executions().waitFor(id, 'end')).status).toBe('canceled')
  await shop.orders(10)
  expect(await isReplica()).toBe(true)
})

test('a region that comes back before the promotion is gone back to, and nothing is lost', async () => {
  await shop.home().breakDown(HOME, { kind: 'kill' })
  await shop.watching(async (said) => {
    await until('the watch says so', 60_000, async () => said().includes('its region is lost'))
  })
  expect((await shop.executions().list()).map(({ status }) => status)).toEqual(['canceled'])
  const id = await shop.start({ witness: 'the test has killed it' }, false)
  const atHarm = await shop.untilRest(id)
  expect(stepOf(atHarm, 'pin-dns').status).toBe('pendingApproval')
  expect(stepOf(atHarm, 'fence').status).toBe('notStarted')
  await shop.executions().approve(id, { by: 'test' })
  const atOneWay = await shop
    .executions()
    .waitFor(
      id,
      (now) =>
        stepOf(now, 'promote').status === 'pendingApproval' || now.status === 'pausedByFailedStep',
    )
  expect(stepOf(atOneWay, 'promote').status).toBe('pendingApproval')
  expect(stepOf(atOneWay, 'fence').output).toMatchObject({ grade: 'none' })

  await shop.home().lift(HOME)
  await shop.executions().cancel(id, { by: 'test' })
  expect((await shop.executions().waitFor(id, 'end')).status).toBe('canceled')
  await shop.orders(20)
  expect(await isReplica()).toBe(true)
}, 240_000)

test('it fails over with the region, IAM, STS and the API of Route 53 dead, and loses what it said', async () => {
  await shop.home().breakDown('global', { kind: 'kill' })
  await shop.home().breakDown(HOME, { kind: 'kill' })
  const id = await shop.start()
  failover = await shop.executions().waitFor(id, ({ status }) => status !== 'running')
  expect(stepOf(failover, 'dns').attempts.at(-1)?.error).toBeUndefined()
  expect(failover).toMatchObject({ status: 'completed', verdict: 'proven' })
  await shop.orders(20)

  const report = summary(failover)
  expect(report.dataLoss.writes).toBe(report.announcedLoss?.writes)
  expect(report.isProtected).toBe(true)
  const { dns, fence, document } = outputsOf(failover)
  const incident = readFileSync(document!.incidentFile, 'utf8')
  expect(incident).toMatch(/## Who was told\n\n.*\n.*\n\| \S+Z \| .*: started \| nobody \|\n/)
  expect(dns).toMatchObject({ isMoved: true, how: expect.stringMatching(/^by its health checks/) })
  expect(fence).toMatchObject({ grade: 'none' })
  expect(await isReplica()).toBe(false)
  await shop.home().lift('global')
}, 300_000)

test('home again: what the old database had accepted is written out, and nothing is lost on the way', async () => {
  await shop.home().lift(HOME)
  const old = await oldDatabase()
  // Whoever still knows the old endpoint is not kept from it before the failback begins.
  const rogue: string[] = []
  for (let i = 0; i < 25; i++) {
    const { rows } = await old.query(
      "insert into orders (customer_id, total) values (1, 1) returning id::text, 'rogue' as by",
    )
    rogue.push(rows[0].id)
  }
  await shop.watching(async (said) => {
    await until('the watch has fenced it', 60_000, async () => /rows differ/.test(said()))
    // Numbers that both databases have given out since stand in the file of conflicts.
    const files = said().match(/\S+\.sql/g) ?? []
    const exported = files.map((file) => readFileSync(file, 'utf8')).join('')
    expect(rogue.filter((id) => !exported.includes(`'${id}'`))).toEqual([])
  })
  const late = await oldDatabase()
  await expect(late.query('insert into orders (customer_id, total) values (1, 1)')).rejects.toThrow(
    'permission denied',
  )
  await late.end()
  const input = failbackInput(failover, { incidentFolder: shop.incidents(), ledger: shop.ledger() })
  const id = await shop
    .executions()
    .start('failback', { ...input }, { owns: 'shop', autoApprove: ['harm', 'oneWay'] })
  await shop.executions().waitFor(id, (now) => stepOf(now, 'promote').status === 'completed')
  // While the lock is silent nobody knows who may go on, and nobody does.
  for (const region of [AWAY, LOCKS]) await shop.home().breakDown(region, { kind: 'kill' })
  await heard(id, 'lockSilent')
  expect((await shop.executions().get(id)).status).toBe('running')
  await shop.home().lift(LOCKS)
  // The region that is left stays dead: what leads customers home has no more need of it.
  const alone = await shop.untilRest(id)
  expect(alone.status).toBe('pausedByFailedStep')
  expect(failedSteps(alone)).toEqual(['standby'])
  await shop.orders(20)
  await shop.home().lift(AWAY)
  await shop.executions().retry(id)
  const home = await shop.untilRest(id)
  expect(failedSteps(home)).toEqual([])
  expect(home).toMatchObject({ status: 'completed', verdict: 'proven' })
  await expect(old.query('insert into orders (customer_id, total) values (1, 1)')).rejects.toThrow()
  await shop.orders(20)
  await shop.closeDoors()

  const report = summary(home)
  expect(report).toMatchObject({ fence: 'proven', dataLoss: { writes: 0 }, isProtected: true })
  const salvage = stepOf(home, 'salvage').output as unknown as Divergence
  const written =
    readFileSync(salvage.paths.salvage, 'utf8') + readFileSync(salvage.paths.conflicts, 'utf8')
  expect(rogue.filter((id) => !written.includes(`'${id}'`))).toEqual([])

  const session = await shop.session(
    await until_(
      async () => (await shop.region(HOME).rds.getInstance(report.restored!.instance)).endpoint,
    ),
  )
  const { rows } = await session.query('select id::text, total::text from orders')
  await session.end()
  const totals = new Map(rows.map(({ id, total }) => [id, total]))
  const lost = shop.acknowledged().filter(({ id, total }) => totals.get(id) !== total)
  expect(lost.length).toBe(summary(failover).dataLoss.writes)
  await cameHomeByRules()
  await old.end().catch(() => 'the fence had ended it')
}, 300_000)

/** Every version of every receipt is at home under its own id and once, and rules are what they were. */
async function cameHomeByRules(): Promise<void> {
  const pair = [
    [HOME, 'shop-receipts'],
    [AWAY, `shop-receipts-${AWAY}`],
  ] as const
  const [atHome, there] = await Promise.all(
    pair.map(async ([region, bucket]) => {
      const ids: string[] = []
      for await (const one of shop.region(region).buckets.listVersions(bucket)) {
        ids.push(`${one.key} ${one.versionId}`)
      }
      return ids
    }),
  )
  const known = new Set(atHome)
  expect(there!.filter((one) => !known.has(one))).toEqual([])
  const keys = atHome!.map((one) => one.split(' ')[0])
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([])
  const areEnabled = pair.map(async ([region, bucket]) => {
    const replication = await shop.region(region).buckets.findReplication(bucket)
    return replication!.rules.map(({ isEnabled }) => isEnabled)
  })
  expect(await Promise.all(areEnabled)).toEqual([[true], [false]])
}

function failedSteps({ steps }: Execution): string[] {
  return steps.filter(({ attempts }) => attempts.at(-1)?.error).map(({ name }) => name)
}

/** Waits until an event of a kind is in the journal of an execution. */
async function heard(id: string, kind: string): Promise<void> {
  for await (const event of shop.executions().watch(id, AbortSignal.timeout(60_000))) {
    if (event.kind === kind) return
  }
  throw new Error(`there was no '${kind}' within a minute`)
}

async function oldDatabase() {
  const { endpoint } = await shop.region(HOME).rds.getInstance('shop-db')
  let session: Awaited<ReturnType<typeof shop.session>> | undefined
  await until('the old database answers', 60_000, async () => {
    session = await shop.session(endpoint!).catch(() => undefined)
    return session !== undefined
  })
  return session!
}

async function until_<Found>(look: () => Promise<Found | undefined>): Promise<Found> {
  let found: Found | undefined
  await until('it is there', 60_000, async () => {
    found = await look()
    return found !== undefined
  })
  return found!
}

function outputsOf({ steps }: Execution): RegionFailureOutputs {
  return Object.fromEntries(steps.map(({ name, output }) => [name, output])) as RegionFailureOutputs
}
