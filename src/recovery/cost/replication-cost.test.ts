import { expect, test } from 'vitest'
import type { ReplicatedBucket } from '../workload.ts'
import { PRICES } from './prices.ts'
import { replicationCost } from './replication-cost.ts'

const bucket: ReplicatedBucket = {
  bucket: 'receipts',
  prefixes: [''],
  references: [],
  replica: { bucket: 'receipts-dr', region: 'us-east-1' },
}
const GB = 2 ** 30
/** A thirtieth of a month. */
const measured = { days: 365.25 / 12 / 30, versions: 100_000, bytes: 10 * GB, storedBytes: 50 * GB }
const HERE = 'ap-southeast-1'

test('each line is a quantity at a price, and the lines make up the sum', () => {
  const cost = replicationCost(bucket, HERE, measured, PRICES)
  const sums = cost.lines.map(({ quantity, price, usdPerMonth }) => {
    expect(usdPerMonth).toBeCloseTo(quantity * price!, 9)
    return usdPerMonth!
  })
  // 3,000 thousand PUTs at 0.005, 300 GB at 0.09, 50 GB at 0.023
  expect(sums.map((sum) => Number(sum.toFixed(6)))).toEqual([15, 27, 1.15])
  expect(cost.usdPerMonth).toBeCloseTo(43.15, 6)
})

test('twice the objects are twice the requests, and nothing else changes', () => {
  const [puts, transfer, storage] = replicationCost(bucket, HERE, measured, PRICES).lines
  const twice = { ...measured, versions: 2 * measured.versions }
  const [more, ...others] = replicationCost(bucket, HERE, twice, PRICES).lines
  expect(more!.usdPerMonth).toBeCloseTo(2 * puts!.usdPerMonth!, 9)
  expect(others).toEqual([transfer, storage])
})

test('a region without a price makes the line and the sum unknown, never 0', () => {
  const elsewhere = { ...bucket, replica: { ...bucket.replica, region: 'mars-north-1' } }
  const { lines, usdPerMonth } = replicationCost(elsewhere, HERE, measured, PRICES)
  expect(lines.map((line) => line.usdPerMonth === null)).toEqual([true, false, true])
  expect(usdPerMonth).toBeNull()
})

test('minutes of writing are no rate', () => {
  const young = { ...measured, days: 0.01 }
  const { lines, usdPerMonth } = replicationCost(bucket, HERE, young, PRICES)
  expect(lines.map((line) => line.usdPerMonth === null)).toEqual([true, true, false])
  expect(usdPerMonth).toBeNull()
})
