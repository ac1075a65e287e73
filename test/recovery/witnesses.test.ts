import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { decide, type Signal } from '../../src/recovery/detection/decision.ts'
import { hearingOf } from '../../src/recovery/recovery.ts'
import { Testimonies } from '../../src/recovery/witnesses/testimonies.ts'
import { signalOfWitness } from '../../src/recovery/witnesses/witness.ts'
import { parseWorkload } from '../../src/recovery/workload-file.ts'
import { StateDatabase } from '../../src/runbook/state-database.ts'
import { startWitnessServer, type WitnessServer } from '../../src/server/witness-server.ts'
import { type StatePostgres, startStatePostgres } from '../runbook/state-postgres.ts'

const WORKLOAD = `
workload: shop
objectives: { rto: 15m, rpo: 5m }
regions: { primary: ap-southeast-1 }
database: { instance: shop-db, secret: shop/database }
checks: [{ name: one, sql: select 1, expect: 1 }]
`
const workload = parseWorkload(`${WORKLOAD}
witnesses:
  - { name: pingdom, key: env:PINGDOM }
  - { name: office, key: env:OFFICE, holds: 1m }
`)
const KEYS: Readonly<Record<string, string>> = {
  PINGDOM: 'key-of-pingdom',
  OFFICE: 'key-of-office',
}

let postgres: StatePostgres
let database: StateDatabase
let server: WitnessServer
let isLost = false
const errors: string[] = []
beforeAll(async () => {
  postgres = await startStatePostgres()
  database = await StateDatabase.open(postgres.url)
  const hearing = await hearingOf(workload, around())
  const onReport: typeof hearing.onReport = (...said) =>
    isLost ? Promise.reject(new Error('the state is lost')) : hearing.onReport(...said)
  const onError = (error: Error) => errors.push(error.message)
  server = await startWitnessServer({ port: 0, ...hearing, onReport, onError })
})
afterAll(async () => {
  await server?.close()
  await database?.close()
  await postgres?.stop()
})
beforeEach(async () => {
  await database.query('delete from witnesses.testimonies')
})

const around = (environment: Readonly<Record<string, string>> = KEYS) => ({
  ...{ database, clock: systemClock, environment: (name: string) => environment[name] },
  reach: () => Promise.reject(new Error('no region is asked')),
})

async function say(name: string, body: unknown, key = KEYS[name.toUpperCase()]) {
  const answer = await fetch(`http://127.0.0.1:${server.port}/witnesses/${name}`, {
    method: 'POST',
    headers: { ...(key && { authorization: `Bearer ${key}` }), 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  await answer.text()
  return answer.status
}

/** What a decision would see of the witnesses, so many seconds from now. */
async function signals(afterSeconds = 0): Promise<Signal[]> {
  const said = await (await Testimonies.open(database)).of('shop')
  const now = new Date(systemClock.now().getTime() + afterSeconds * 1000)
  return workload.witnesses!.map((one) => signalOfWitness(one, said.get(one.name), now))
}

test('what a witness says counts for as long as it holds, and its silence for nothing', async () => {
  expect((await signals()).map(({ state }) => state)).toEqual(['unknown', 'unknown'])
  expect(await say('pingdom', { state: 'failing', reason: '3 of 5 places see a timeout' })).toBe(
    204,
  )
  expect(await say('office', { state: 'healthy' })).toBe(204)
  expect(await signals()).toMatchObject([
    {
      ...{ kind: 'external', source: 'pingdom', state: 'failing' },
      reason: '3 of 5 places see a timeout',
    },
    { kind: 'external', source: 'office', state: 'healthy' },
  ])
  expect((await signals(61)).map(({ state }) => state)).toEqual(['failing', 'unknown'])
  expect((await signals(301)).map(({ state }) => state)).toEqual(['unknown', 'unknown'])
})

test('it is told since when it says the same', async () => {
  await say('pingdom', { state: 'failing', reason: 'first' })
  const [first] = await signals()
  await say('pingdom', { state: 'failing', reason: 'second' })
  const [second] = await signals()
  expect(second).toMatchObject({ since: first!.since, reason: 'second' })
  await say('pingdom', { state: 'healthy' })
  const [third] = await signals()
  expect(third!.since > first!.since).toBe(true)
  expect(third!.reason).toBeUndefined()
})

test('with a failing write it is the second witness that a failover needs', async () => {
  const write: Signal = {
    ...{ name: 'a write', kind: 'write', source: 'this machine', state: 'failing' },
    since: systemClock.now().toISOString(),
  }
  expect(decide([write, ...(await signals())]).verdict).toBe('unknown')
  await say('pingdom', { state: 'failing' })
  expect(decide([write, ...(await signals())]).verdict).toBe('fail-over')
})

test('nobody else is heard, and nothing else than what can be said', async () => {
  const failing = { state: 'failing' }
  expect(await say('pingdom', failing, KEYS.OFFICE)).toBe(401)
  expect(await say('pingdom', failing, '')).toBe(401)
  expect(await say('nobody', failing, KEYS.PINGDOM)).toBe(401)
  expect(await say('__proto__', failing, 'undefined')).toBe(401)
  for (const body of ['', '{', '[]', { state: 'down' }, { state: 'failing', more: 1 }]) {
    expect(await say('pingdom', body)).toBe(400)
  }
  expect(await say('pingdom', { state: 'failing', reason: 'x'.repeat(501) })).toBe(400)
  expect(await say('pingdom', { state: 'failing', reason: 'x'.repeat(20_000) })).toBe(413)
  const elsewhere = await fetch(`http://127.0.0.1:${server.port}/`)
  expect(elsewhere.status).toBe(404)
  expect((await signals()).map(({ state }) => state)).toEqual(['unknown', 'unknown'])
})

test('what could not be kept was not heard, and is said', async () => {
  isLost = true
  expect(await say('pingdom', { state: 'failing' })).toBe(503)
  isLost = false
  expect(errors).toEqual(['the state is lost'])
  expect((await signals()).map(({ state }) => state)).toEqual(['unknown', 'unknown'])
})

test('a hearing needs witnesses, their keys, and a port', async () => {
  await expect(hearingOf(parseWorkload(WORKLOAD), around())).rejects.toMatchObject({
    code: 'InvalidUsage',
  })
  await expect(hearingOf(workload, around({ PINGDOM: 'k' }))).rejects.toMatchObject({
    ...{ code: 'ResourceNotFound', message: "'OFFICE' is not set in the environment" },
  })
  const nobody = { keys: new Map(), onReport: async () => {}, onError: () => {} }
  const twice = startWitnessServer({ port: server.port, ...nobody })
  await expect(twice).rejects.toMatchObject({ code: 'PortTaken' })
})
