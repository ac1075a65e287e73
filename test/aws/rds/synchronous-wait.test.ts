import {
  CreateDBParameterGroupCommand,
  type DBInstance,
  DeleteDBInstanceCommand,
  DescribeDBParametersCommand,
  ModifyDBParameterGroupCommand,
  PromoteReadReplicaCommand,
} from '@aws-sdk/client-rds'
import pg from 'pg'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { Database } from '../../../src/probe/database.ts'
import { fence, unfence } from '../../../src/recovery/fence.ts'
import { refusal } from '../region-under-test.ts'
import { HERE, rdsOfTwoRegions, THERE } from './rds-of-two-regions.ts'
import { loginOf, MASTER, sql } from './rds-under-test.ts'

/** A commit that nobody waits for takes milliseconds. */
const SOON = { timeout: 60_000, interval: 10 }

const world = rdsOfTwoRegions()
let shop: DBInstance
let last = 0

const set = (ParameterName: string, ParameterValue: string) =>
  world.rds(HERE).send(
    new ModifyDBParameterGroupCommand({
      DBParameterGroupName: 'waiting',
      Parameters: [{ ParameterName, ParameterValue, ApplyMethod: 'immediate' }],
    }),
  )
const setReplicas = (count: string) => set('lifeboat.synchronous_replicas', count)
const has = async (id: number) =>
  (await sql(shop, `select from orders where id = ${id}`)).length === 1

beforeAll(async () => {
  await world.rds(HERE).send(
    new CreateDBParameterGroupCommand({
      DBParameterGroupName: 'waiting',
      DBParameterGroupFamily: 'postgres18',
      Description: 'commits wait for another region',
    }),
  )
  await setReplicas('1')
  shop = await world.create(HERE, 'shop-db', { DBParameterGroupName: 'waiting' })
  await sql(shop, 'create table orders (id int primary key)')
})
afterEach(async () => {
  for (const name of [HERE, THERE]) await world.home().lift(name)
})

/** A session that commits one row, and what it is told. */
const commit = async () => {
  const id = ++last
  const client = new pg.Client(loginOf(shop))
  const notices: string[] = []
  client.on('notice', ({ message }) => notices.push(message ?? ''))
  client.on('error', () => undefined)
  await client.connect()
  const [row] = (await client.query('select pg_backend_pid() pid')).rows
  let outcome: 'acknowledged' | 'refused' | undefined
  const done = client
    .query('insert into orders values ($1)', [id])
    .then(
      () => {
        outcome = 'acknowledged'
      },
      () => {
        outcome = 'refused'
      },
    )
    .finally(() => client.end().catch(() => undefined))
  return { id, pid: row.pid as number, notices, done, outcome: () => outcome }
}
const isAcknowledged = async () => {
  const one = await commit()
  await vi.waitFor(() => expect(one.outcome()).toBe('acknowledged'), SOON)
  expect(one.notices).toEqual([])
}
/** A commit that waits for a replica. */
const waiting = async () => {
  const one = await commit()
  await vi.waitFor(async () => {
    const [row] = await sql(shop, `select wait_event e from pg_stat_activity where pid=${one.pid}`)
    expect(row?.e).toBe('SyncRep')
  }, SOON)
  return one
}
const replicate = async (region: string, identifier: string) => {
  await world.replicate(region, identifier, shop)
  return await world.until(region, identifier, 'available')
}
const waitsFor = async () =>
  (await sql(shop, `select application_name from pg_stat_replication where sync_state='quorum'`))
    .length

test('what asks for it and for less is refused; DescribeDBParameters and DescribeDBInstances tell of it', async () => {
  expect(await refusal(set('synchronous_commit', 'local'))).toBe('InvalidParameterCombination')
  expect(await refusal(setReplicas('16'))).toBe('InvalidParameterValue')
  const command = new DescribeDBParametersCommand({
    DBParameterGroupName: 'waiting',
    Source: 'user',
  })
  const { Parameters } = await world.rds(HERE).send(command)
  expect(Parameters).toMatchObject([
    { ParameterName: 'lifeboat.synchronous_replicas', ParameterValue: '1', ApplyType: 'dynamic' },
  ])
  expect((await world.describe(HERE, 'shop-db'))?.DBParameterGroups).toEqual([
    { DBParameterGroupName: 'waiting', ParameterApplyStatus: 'in-sync' },
  ])
})

test('commits do not wait while there is no replica, nor for one that is being made, and do when it is available', async () => {
  await isAcknowledged()
  await sql(shop, `create table heavy as select repeat('x', 1000) from generate_series(1, 50000)`)
  await world.replicate(THERE, 'far', shop)
  const sending = async () =>
    (await sql(shop, 'select pid from pg_stat_progress_basebackup'))[0]?.pid
  await vi.waitUntil(sending, { timeout: 60_000, interval: 5 })
  await world.home().breakDown(THERE, { kind: 'replication-only' })
  await isAcknowledged()
  expect((await world.describe(THERE, 'far'))?.DBInstanceStatus).toBe('creating')
  await world.home().lift(THERE)
  await world.until(THERE, 'far', 'available')
  expect(await waitsFor()).toBe(1)
  await isAcknowledged()
})

test('while it is away they wait, also when there is one in the same region, until it is back', async () => {
  await replicate(HERE, 'near')
  await world.kill(THERE)
  const patient = await waiting()

  const cancelled = await waiting()
  await sql(shop, `select pg_cancel_backend(${cancelled.pid})`)
  await cancelled.done
  // PostgreSQL answers with success: whoever counts must look at the warning.
  expect(cancelled.outcome()).toBe('acknowledged')
  expect(cancelled.notices).toEqual([
    'canceling wait for synchronous replication due to user request',
  ])
  expect(await has(cancelled.id)).toBe(true)

  const ended = await waiting()
  await sql(shop, `select pg_terminate_backend(${ended.pid})`)
  await ended.done
  expect(ended.outcome()).toBe('refused')

  expect(patient.outcome()).toBeUndefined()
  await world.start(THERE)
  await patient.done
  expect(patient.outcome()).toBe('acknowledged')
  expect(patient.notices).toEqual([])
})

test('a fence does not wait for it, and ends who does', async () => {
  await world.home().breakDown(THERE, { kind: 'replication-only' })
  const one = await waiting()
  const session = await Database.open(loginOf(shop), { purpose: 'fence' })
  try {
    const { grants } = await fence(session, [], MASTER.MasterUsername, systemClock)
    await one.done
    expect(one.outcome()).toBe('refused')
    await expect(sql(shop, 'insert into orders values (0)')).rejects.toThrow('permission denied')
    await unfence(session, grants)
  } finally {
    await session.close()
  }
})

test('switched off, it lets go who waits; switched on, they wait again', async () => {
  await world.home().breakDown(THERE, { kind: 'replication-only' })
  const one = await waiting()
  await setReplicas('0')
  await one.done
  expect(one.outcome()).toBe('acknowledged')
  await isAcknowledged()
  await setReplicas('1')
  const other = await waiting()
  await world.home().lift(THERE)
  await other.done
  expect(other.outcome()).toBe('acknowledged')
})

test('a replica that is promoted or deleted while it follows is waited for no more; the next one is', async () => {
  await world.untilReplicating(THERE, 'far')
  await world.rds(THERE).send(new PromoteReadReplicaCommand({ DBInstanceIdentifier: 'far' }))
  await world.untilSaid(THERE, 'far', (one) => {
    expect(one?.ReadReplicaSourceDBInstanceIdentifier).toBeUndefined()
  })
  await isAcknowledged()
  await replicate(THERE, 'second')
  expect(await waitsFor()).toBe(1)
  const deletion = { DBInstanceIdentifier: 'second', SkipFinalSnapshot: true }
  await world.rds(THERE).send(new DeleteDBInstanceCommand(deletion))
  await isAcknowledged()
  await world.until(THERE, 'second', undefined)
  await isAcknowledged()
})

test('a source that was away when it was promoted confirms nothing any more, until it is switched off', async () => {
  const third = await replicate(THERE, 'third')
  await world.kill(HERE)
  await world.rds(THERE).send(new PromoteReadReplicaCommand({ DBInstanceIdentifier: 'third' }))
  await world.untilSaid(THERE, 'third', (one) => {
    expect(one?.ReadReplicaSourceDBInstanceIdentifier).toBeUndefined()
  })
  await world.start(HERE)
  await world.until(HERE, 'shop-db', 'available')
  const early = await waiting()
  await world.untilSaid(HERE, 'shop-db', (one) => {
    expect(one?.ReadReplicaDBInstanceIdentifiers).not.toContain(third.DBInstanceArn)
  })
  const late = await waiting()
  expect([early.outcome(), late.outcome()]).toEqual([undefined, undefined])
  await setReplicas('0')
  await late.done
  await setReplicas('1')
  await isAcknowledged()
})
