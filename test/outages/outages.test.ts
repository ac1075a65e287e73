import { setTimeout as sleep } from 'node:timers/promises'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, expect, test } from 'vitest'
import type { OutageOrder } from '../../src/region/network/outages.ts'
import { lifeboat } from '../cli/lifeboat.ts'
import { until } from '../trials/trial-region.ts'
import { BRIEFLY, brokenWorld, HERE, THERE } from './broken-world.ts'

/** Long enough for what replicates in milliseconds to have come, if it could. */
const A_WHILE_MS = 700

const world = brokenWorld()
const byCommand = async (...args: string[]) => {
  const { stdout, code } = await lifeboat(['region', 'outage', ...args, '--json'], {
    home: world.home().folder,
  })
  return { code, told: JSON.parse(stdout) }
}
const outage = async (name: string, order: OutageOrder) => {
  await world.home().breakDown(name, order)
}
const lift = async (name: string) => {
  expect(await world.home().lift(name)).toBeTruthy()
  expect(await world.outagesOf(name)).toEqual([])
}
const inSync = (region: string, name: string) =>
  until(`'${name}' of ${region} is in sync`, 60_000, () => world.isInSync(region, name))

afterEach(async () => {
  for (const name of [HERE, THERE, 'global', 'dns']) await world.home().lift(name)
})

/** All that the first region has is there as it was. */
const isWhole = async () => {
  expect(await world.sql('select count(*)::int as rows from kept')).toEqual([{ rows: 1000 }])
  expect(await world.value(HERE, 'kept')).toBe('as it was')
  await until('its service runs', 60_000, async () => (await world.tasks()).length === 2)
}

test('--kill: all of a region is gone, and stays so, until it is lifted', async () => {
  const tasks = await world.tasks()
  const { told } = await byCommand(HERE, '--kill')
  expect(told).toEqual({ name: HERE, outages: ['killed'] })
  expect([await world.api(HERE), await world.database()]).toEqual(['down', 'down'])
  expect(world.states(tasks)).toEqual([])
  expect([await world.api(THERE), await world.globalApi(), await world.dns()]).toEqual([
    ...['up', 'up', 'up'],
  ])
  await world.home().start()
  await world.home().start([HERE])
  expect(await world.api(HERE)).toBe('down')
  const { stdout } = await lifeboat(['region', 'status'], { home: world.home().folder })
  expect(stdout).toMatch(/ap-southeast-1\s+stopped\s+killed/)
  await lift(HERE)
  expect(await world.api(HERE)).toBe('up')
  await until('its database is back', 60_000, async () => (await world.database(BRIEFLY)) === 'up')
  await isWhole()
})

test('--freeze: a region answers nothing, and goes on where it was', async () => {
  const tasks = await world.tasks()
  const { regions } = await world.home().status()
  await outage(HERE, { kind: 'freeze' })
  await expect.poll(() => new Set(world.states(tasks))).toEqual(new Set(['T']))
  expect(await Promise.all([world.api(HERE, BRIEFLY), world.database(BRIEFLY)])).toEqual([
    ...['silent', 'silent'],
  ])
  expect([await world.api(THERE), await world.globalApi()]).toEqual(['up', 'up'])
  expect(await world.outagesOf(HERE)).toEqual(['frozen'])
  await lift(HERE)
  expect([await world.api(HERE), await world.database()]).toEqual(['up', 'up'])
  // Nothing was started again.
  expect((await world.home().status()).regions).toEqual(regions)
  expect((await world.tasks()).sort()).toEqual(tasks.sort())
  await isWhole()
})

test('--partition-from: nothing passes between two regions, and clients reach both', async () => {
  await world.bucket(HERE, 'source')
  await world.bucket(THERE, 'destination')
  const role = await world.role('replication', 'source', ['destination'])
  const rule = { Priority: 1, Filter: {}, DeleteMarkerReplication: { Status: 'Disabled' } } as const
  await world.replicateSecret(HERE, THERE, 'before')
  await inSync(HERE, 'before')
  await world.replicate(HERE, 'source', role, [
    { ID: 'all', Status: 'Enabled', ...rule, Destination: { Bucket: 'arn:aws:s3:::destination' } },
  ])
  const put = (Key: string) =>
    world.s3(HERE).send(new PutObjectCommand({ Bucket: 'source', Key, Body: Key }))
  const arrived = async (key: string) =>
    (await world.versions(THERE, 'destination')).some((version) => version.key === key)
  await put('first')
  await until('the first object has arrived', 60_000, () => arrived('first'))

  const { told } = await byCommand(THERE, '--partition-from', HERE)
  expect(told.outages).toEqual([`cut off from ${HERE}`])
  expect(await world.outagesOf(HERE)).toEqual([`cut off from ${THERE}`])
  await put('second')
  await world.replicateSecret(HERE, THERE, 'out')
  await world.replicateSecret(THERE, HERE, 'in')
  await sleep(A_WHILE_MS)
  expect([await world.isInSync(HERE, 'out'), await world.isInSync(THERE, 'in')]).toEqual([
    ...[false, false],
  ])
  expect(await arrived('second')).toBe(false)
  expect([await world.api(HERE), await world.api(THERE), await world.database()]).toEqual([
    ...['up', 'up', 'up'],
  ])
  await lift(HERE)
  expect(await world.outagesOf(THERE)).toEqual([])
  await inSync(HERE, 'out')
  await inSync(THERE, 'in')
  await until('the second object has arrived', 60_000, () => arrived('second'))
})

test('--slow: a region answers so much later, its databases do not, nor does another region', async () => {
  await outage(HERE, { kind: 'slow', ms: 600 })
  expect(await world.latency(HERE)).toBeGreaterThanOrEqual(600)
  const before = performance.now()
  await world.replicateSecret(THERE, HERE, 'slowly')
  await inSync(THERE, 'slowly')
  expect(performance.now() - before).toBeGreaterThanOrEqual(600)
  const other = await world.latency(THERE)
  expect(other).toBeLessThan(600)
  const queryMs = async () => {
    const startedMs = performance.now()
    await world.sql('select 1')
    return performance.now() - startedMs
  }
  // The fastest one: a busy machine is slow, too.
  expect(Math.min(await queryMs(), await queryMs(), await queryMs())).toBeLessThan(600)
  await outage(HERE, { kind: 'slow', ms: 1 })
  await lift(HERE)
  expect(await world.latency(HERE)).toBeLessThan(600)
})

test('--api-only: nobody reaches the API, and databases, tasks and replication go on', async () => {
  const tasks = await world.tasks()
  await outage(HERE, { kind: 'api-only' })
  expect([await world.api(HERE), await world.database(), await world.api(THERE)]).toEqual([
    ...['down', 'up', 'up'],
  ])
  expect(world.taskIds().size).toBe(2)
  await world.sql('insert into kept values (1001)')
  await world.replicateSecret(THERE, HERE, 'into-it')
  await inSync(THERE, 'into-it')
  // One that ends by itself is replaced, though nobody can ask for it.
  world.endTask(tasks[0]!)
  const [ended] = tasks.map((arn) => arn.slice(arn.lastIndexOf('/') + 1))
  await until('it is replaced', 60_000, async () => {
    const now = world.taskIds()
    return now.size === 2 && !now.has(ended!)
  })
  await world.sql('delete from kept where n = 1001')
  await lift(HERE)
  expect(await world.value(HERE, 'into-it')).toBe('into-it')
  await isWhole()
})

test('--replication-only: the API answers, and nothing is replicated in either direction', async () => {
  await outage(HERE, { kind: 'replication-only' })
  await world.replicateSecret(HERE, THERE, 'held')
  await world.replicateSecret(THERE, HERE, 'held-too')
  await sleep(A_WHILE_MS)
  expect([await world.isInSync(HERE, 'held'), await world.isInSync(THERE, 'held-too')]).toEqual([
    ...[false, false],
  ])
  expect([await world.api(HERE), await world.database(), await world.api(THERE)]).toEqual([
    ...['up', 'up', 'up'],
  ])
  // Beside it, its API too.
  await outage(HERE, { kind: 'api-only' })
  expect(await world.outagesOf(HERE)).toEqual(['its API is down', 'its replication is halted'])
  expect([await world.api(HERE), await world.database()]).toEqual(['down', 'up'])
  await lift(HERE)
  await inSync(HERE, 'held')
  await inSync(THERE, 'held-too')
})

test('the global services and DNS break down apart from each other and from the regions', async () => {
  const sights = async (dnsPatienceMs?: number) => [
    ...[await world.globalApi(), await world.dns(dnsPatienceMs), await world.api(HERE)],
  ]
  expect(await sights()).toEqual(['up', 'up', 'up'])
  await outage('global', { kind: 'kill' })
  expect(await sights()).toEqual(['down', 'up', 'up'])
  await outage('dns', { kind: 'freeze' })
  expect(await sights(BRIEFLY)).toEqual(['down', 'silent', 'up'])
  await lift('global')
  await outage('global', { kind: 'api-only' })
  expect(await sights(BRIEFLY)).toEqual(['down', 'silent', 'up'])
  await lift('global')
  await lift('dns')
  expect(await sights()).toEqual(['up', 'up', 'up'])
})

test('an outage outlives all processes of the home', async () => {
  await outage(THERE, { kind: 'freeze' })
  await outage(HERE, { kind: 'api-only' })
  await world.restartHome()
  expect([await world.outagesOf(THERE), await world.outagesOf(HERE)]).toEqual([
    ['frozen'],
    ['its API is down'],
  ])
  expect([await world.api(THERE, BRIEFLY), await world.api(HERE)]).toEqual(['silent', 'down'])
  await until('its database is back', 60_000, async () => (await world.database(BRIEFLY)) === 'up')
  await lift(THERE)
  await lift(HERE)
  expect([await world.api(THERE), await world.api(HERE)]).toEqual(['up', 'up'])
  await isWhole()
})

test.each([
  ['no outage', [HERE]],
  ['two at once', [HERE, '--kill', '--freeze']],
])('refuses %s, and breaks nothing', async (_, args) => {
  const { code, told } = await byCommand(...args)
  expect([code, told.error.code]).toEqual([2, 'InvalidUsage'])
  expect(told.error.hint).toBeTruthy()
  expect(await world.outagesOf(HERE)).toEqual([])
  expect(await world.api(HERE)).toBe('up')
})

test.each([
  ['a region that there is not', 'eu-west-1', { kind: 'kill' }],
  ['a delay that is none', HERE, { kind: 'slow', ms: 0 }],
  ['a partition from a region that there is not', HERE, { kind: 'partition', from: 'eu-west-1' }],
  ['a name that is none', '../x', { kind: 'kill' }],
] as const)('refuses %s, and breaks nothing', async (_, name, order) => {
  await expect(world.home().breakDown(name, order)).rejects.toMatchObject({
    ...{ code: 'InvalidUsage', hint: expect.any(String) },
  })
  expect([await world.outagesOf(HERE), await world.outagesOf(THERE)]).toEqual([[], []])
  expect(await world.api(HERE)).toBe('up')
})
