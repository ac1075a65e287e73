import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { RegionClient, World } from '../../aws/region-client.ts'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { replicatedOf, type Workload } from '../workload.ts'
import { PRICES, type PriceTable } from './prices.ts'
import { measureWrites, type ReplicationCost, replicationCost } from './replication-cost.ts'

/** What protecting a workload costs a month, as far as Lifeboat counts it. JSON. */
export type WorkloadCost = {
  readonly workload: string
  readonly world: World
  readonly prices: { readonly date: string; readonly source: string }
  readonly replication: readonly ReplicationCost[]
  /** Of the lines above; null when one is unknown. */
  readonly usdPerMonth: number | null
  /** What is billed, too, and not counted here. */
  readonly notCounted: readonly string[]
}

const byRegion = z.record(z.string(), z.number().nonnegative())
const priceTable = z.strictObject({
  date: z.string(),
  source: z.string(),
  storagePerGbMonth: byRegion,
  putPerThousand: byRegion,
  transferPerGb: byRegion,
  batchPerJob: z.number().nonnegative(),
  batchPerMillionObjects: z.number().nonnegative(),
})

/** @throws LifeboatError `PricesInvalid` naming the first mistake */
export async function readPrices(path: string | undefined): Promise<PriceTable> {
  if (path === undefined) return PRICES
  try {
    return priceTable.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (cause) {
    const [issue] = cause instanceof z.ZodError ? cause.issues : []
    const why = issue ? `${issue.path.join('.')}: ${issue.message}` : wordsOf(cause)
    const hint = `Write ${Object.keys(priceTable.shape).join(', ')}, as numbers by region.`
    throw new LifeboatError('PricesInvalid', `'${path}' is no table of prices: ${why}`, {
      hint,
      cause,
    })
  }
}

/** Measures the writes to each replicated bucket and prices them. */
export async function costOf(o: {
  workload: Workload
  region: RegionClient
  prices: PriceTable
  clock: Clock
  onProgress: (what: string) => void
}): Promise<WorkloadCost> {
  const { workload, region, prices, clock } = o
  const { world } = await region.identity()
  const replication: ReplicationCost[] = []
  for (const bucket of replicatedOf(workload)) {
    o.onProgress(`counting what is written to '${bucket.bucket}'`)
    const measured = await measureWrites(region.buckets, bucket, clock.now())
    replication.push(replicationCost(bucket, workload.region, measured, prices))
  }
  const sums = replication.map(({ usdPerMonth }) => usdPerMonth)
  const total = sums.reduce<number | null>(
    (sum, one) => (sum === null || one === null ? null : sum + one),
    0,
  )
  return {
    workload: workload.name,
    world,
    prices: { date: prices.date, source: prices.source },
    replication,
    usdPerMonth: total,
    notCounted: ['the database and its backups', 'Replication Time Control', 'taxes and discounts'],
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
