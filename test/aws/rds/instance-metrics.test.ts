import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch'
import type { DBInstance } from '@aws-sdk/client-rds'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { RegionClient } from '../../../src/aws/region-client.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { HERE, rdsOfTwoRegions } from './rds-of-two-regions.ts'
import { sql } from './rds-under-test.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30
/** Of an instance without data, with its databases and a first segment of WAL or two. */
const SMALL = 400 * MIB

const world = rdsOfTwoRegions()
let shop: DBInstance
let metrics: CloudWatchClient
let client: RegionClient

beforeAll(async () => {
  metrics = new CloudWatchClient(world.client(HERE))
  client = new RegionClient({ ...world.client(HERE), clock: systemClock })
  shop = await world.create(HERE, 'shop-db')
  await world.replicate(HERE, 'beside', shop)
  await world.until(HERE, 'beside', 'available')
  await world.untilReplicating(HERE, 'beside')
})
afterAll(() => {
  metrics.destroy()
  client.close()
})

/** The newest minute of a metric. */
const figure = async (MetricName: string, identifier = 'shop-db') => {
  const { Datapoints = [] } = await metrics.send(
    new GetMetricStatisticsCommand({
      ...{ Namespace: 'AWS/RDS', MetricName, Period: 60, Statistics: ['Minimum', 'Maximum'] },
      Dimensions: [{ Name: 'DBInstanceIdentifier', Value: identifier }],
      StartTime: new Date(Date.now() - 300_000),
      EndTime: new Date(Date.now() + 60_000),
    }),
  )
  return Datapoints.sort((a, b) => a.Timestamp!.getTime() - b.Timestamp!.getTime()).at(-1)
}

test('tells of the storage, the logs and the slots of an instance', async () => {
  const before = await figure('FreeStorageSpace')
  expect(before).toMatchObject({ Unit: 'Bytes' })
  expect(before!.Maximum).toBeLessThan(20 * GIB)
  expect(before!.Maximum).toBeGreaterThan(20 * GIB - SMALL)
  await sql(shop, `create table heavy as select repeat('x', 1000) from generate_series(1, 20000)`)
  await vi.waitFor(
    async () => {
      const { Minimum } = (await figure('FreeStorageSpace'))!
      expect(before!.Maximum! - Minimum!).toBeGreaterThan(20 * MIB)
    },
    { timeout: 60_000, interval: 500 },
  )
  const logs = await figure('TransactionLogsDiskUsage')
  expect(logs!.Maximum).toBeGreaterThanOrEqual(16 * MIB)
  expect((await figure('OldestReplicationSlotLag'))?.Unit).toBe('Bytes')
  expect((await figure('ReplicationSlotDiskUsage'))?.Maximum).toBeGreaterThan(0)
})

test('counts the sessions of clients, and none of its own', async () => {
  const asleep = sql(shop, 'select pg_sleep(3)')
  await vi.waitFor(async () => expect((await figure('DatabaseConnections'))?.Maximum).toBe(1), {
    timeout: 60_000,
    interval: 200,
  })
  await asleep
})

test('tells the lag of a replica, and of nobody else', async () => {
  expect(await figure('ReplicaLag')).toBeUndefined()
  const figures = await client.databaseReplicas.figures('beside')
  expect(figures).toMatchObject({ status: 'replicating', isNormal: true })
  expect(figures.lag?.seconds).toBeGreaterThanOrEqual(0)
  expect((await client.databaseReplicas.figures('shop-db')).lag).toBeUndefined()
})
