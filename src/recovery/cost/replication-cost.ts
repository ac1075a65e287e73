import type { Buckets } from '../../aws/buckets.ts'
import type { BucketPart } from '../objects/changes-since.ts'
import type { ReplicatedBucket } from '../workload.ts'
import type { PriceTable } from './prices.ts'

/** One thing that is billed: so much of it, at such a price. JSON. */
export type CostLine = {
  readonly what: string
  readonly quantity: number
  readonly unit: string
  /** Of one unit, in USD; null when the table has no price, and then there is no sum either. */
  readonly price: number | null
  readonly usdPerMonth: number | null
}

/** What replicating a bucket costs a month at the rate of writes that was measured. JSON. */
export type ReplicationCost = {
  readonly bucket: string
  readonly replica: { readonly bucket: string; readonly region: string }
  readonly measured: WriteRate
  readonly lines: readonly CostLine[]
  /** Null when the price of a line is unknown, or the bucket is too young. */
  readonly usdPerMonth: number | null
}

/** How much is written to a bucket, from the times of its versions. JSON. */
export type WriteRate = {
  /** The time over which was counted; 0 in an empty bucket. */
  readonly days: number
  readonly versions: number
  readonly bytes: number
  /** All versions, as they are stored and billed. */
  readonly storedBytes: number
}

/** Longer ago than this says little about next month. */
const WINDOW_DAYS = 30
const DAYS_PER_MONTH = 365.25 / 12
const DAY_MS = 86_400_000
const GB = 2 ** 30
/** A rate from less than this would be a guess. */
const LEAST_DAYS = 1 / 24

/** Counts what was written within the last 30 days, or since the first version that is still there. */
export async function measureWrites(
  buckets: Buckets,
  { bucket, prefixes }: BucketPart,
  now: Date,
): Promise<WriteRate> {
  let [versions, bytes, storedBytes] = [0, 0, 0]
  let oldestMs = now.getTime()
  const sinceMs = now.getTime() - WINDOW_DAYS * DAY_MS
  for (const prefix of prefixes) {
    for await (const page of buckets.listVersionPages(bucket, prefix)) {
      for (const { modifiedAt, sizeBytes } of page) {
        const atMs = modifiedAt.getTime()
        oldestMs = Math.min(oldestMs, atMs)
        storedBytes += sizeBytes
        if (atMs < sinceMs) continue
        versions += 1
        bytes += sizeBytes
      }
    }
  }
  const days = (now.getTime() - Math.max(oldestMs, sinceMs)) / DAY_MS
  return { days, versions, bytes, storedBytes }
}

/** The lines of the bill: S3 asks for the requests at the replica, the transfer and what the replica stores. */
export function replicationCost(
  { bucket, replica }: ReplicatedBucket,
  region: string,
  measured: WriteRate,
  prices: PriceTable,
): ReplicationCost {
  const isLongEnough = measured.days >= LEAST_DAYS
  const aMonth = (amount: number) => (amount / measured.days) * DAYS_PER_MONTH
  const rate = (amount: number) => (isLongEnough ? aMonth(amount) : Number.NaN)
  const lines = [
    line('PUT requests at the replica', rate(measured.versions) / 1_000, 'thousand requests', {
      price: prices.putPerThousand[replica.region],
    }),
    line(`transfer from ${region} to ${replica.region}`, rate(measured.bytes) / GB, 'GB', {
      price: prices.transferPerGb[region],
    }),
    line('storage of the replica', measured.storedBytes / GB, 'GB-month', {
      price: prices.storagePerGbMonth[replica.region],
    }),
  ]
  const sums = lines.map(({ usdPerMonth }) => usdPerMonth)
  const isComplete = sums.every((sum) => sum !== null)
  const usdPerMonth = isComplete ? sums.reduce<number>((total, sum) => total + (sum ?? 0), 0) : null
  return { bucket, replica, measured, lines, usdPerMonth }
}

function line(
  what: string,
  quantity: number,
  unit: string,
  { price }: { price: number | undefined },
): CostLine {
  const isKnown = price !== undefined && !Number.isNaN(quantity)
  return {
    what,
    quantity: Number.isNaN(quantity) ? 0 : quantity,
    unit,
    price: price ?? null,
    usdPerMonth: isKnown ? quantity * price : null,
  }
}
