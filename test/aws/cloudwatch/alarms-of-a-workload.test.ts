import { afterAll, beforeAll, expect, test } from 'vitest'
import { RegionClient } from '../../../src/aws/region-client.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { CREDENTIALS, REGION } from '../region-under-test.ts'
import { cloudWatchUnderTest } from './cloudwatch-under-test.ts'

const region = cloudWatchUnderTest()
let client: RegionClient
let began: Date

const dimension = (Name: string, Value: string) => ({ Dimensions: [{ Name, Value }] })
const set = (AlarmName: string, StateValue: 'OK' | 'ALARM') =>
  region.sdk().setAlarmState({ AlarmName, StateValue, StateReason: `set to ${StateValue}` })

beforeAll(async () => {
  client = new RegionClient({
    ...{ region: REGION, endpoint: region.endpoint(), credentials: CREDENTIALS },
    clock: systemClock,
  })
  const quiet = { TreatMissingData: 'ignore' }
  await region.putAlarm('db-lag', { ...quiet, ...dimension('DBInstanceIdentifier', 'shop-db') })
  await region.putAlarm('bucket', { ...quiet, ...dimension('SourceBucket', 'shop-receipts') })
  await region.putAlarm('other', { ...quiet, ...dimension('DBInstanceIdentifier', 'other-db') })
  for (const [AlarmName, AlarmRule] of [
    ['shop', 'ALARM("db-lag") OR ALARM(other)'],
    ['above', 'ALARM(shop)'],
    ['elsewhere', 'ALARM(other)'],
  ] as const) {
    await region.sdk().putCompositeAlarm({ AlarmName, AlarmRule })
  }
  began = new Date()
  await set('db-lag', 'ALARM')
  await set('other', 'ALARM')
  await set('db-lag', 'OK')
})
afterAll(() => client.close())

test('alarms of a workload are those on its resources, and those above them', async () => {
  const found = await client.alarms.listAbout([
    ['DBInstanceIdentifier', 'shop-db'],
    ['SourceBucket', 'shop-receipts'],
  ])
  expect(found.map(({ name }) => name).sort()).toEqual(['above', 'bucket', 'db-lag', 'shop'])
  expect(found.find(({ name }) => name === 'db-lag')).toMatchObject({
    state: 'OK',
    reason: 'set to OK',
    metric: { namespace: 'Test', name: 'db-lag', dimensions: { DBInstanceIdentifier: 'shop-db' } },
  })
  expect(await client.alarms.listAbout([['DBInstanceIdentifier', 'absent']])).toEqual([])
})

test('what changed in a time, and nothing of before or after', async () => {
  const all = await client.alarms.listChanges({ from: began, to: new Date() })
  const ofMetrics = all.filter(({ reason }) => reason.startsWith('set to'))
  expect(ofMetrics.map(({ alarm, from, to }) => [alarm, from, to])).toEqual([
    ['db-lag', 'INSUFFICIENT_DATA', 'ALARM'],
    ['other', 'INSUFFICIENT_DATA', 'ALARM'],
    ['db-lag', 'ALARM', 'OK'],
  ])
  const [first, second] = ofMetrics
  const window = { from: new Date(first!.at.getTime() + 1), to: second!.at }
  const within = await client.alarms.listChanges(window)
  expect(within.filter(({ alarm }) => alarm !== 'elsewhere')).toEqual([second])
  const before = { from: new Date(0), to: new Date(began.getTime() - 60_000) }
  expect(await client.alarms.listChanges(before)).toEqual([])
})
