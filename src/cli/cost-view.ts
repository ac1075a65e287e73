import type { WorkloadCost } from '../recovery/cost/cost.ts'
import { table } from './output.ts'

/** The bill for people, line by line. */
export function describeCost({
  workload,
  world,
  prices,
  replication,
  usdPerMonth,
  notCounted,
}: WorkloadCost): string {
  const rows = replication.flatMap(({ bucket, replica, lines }) =>
    lines.map(({ what, quantity, unit, price, usdPerMonth: sum }) => [
      `${bucket} → ${replica.bucket}`,
      what,
      quantity.toFixed(3),
      unit,
      price === null ? 'unknown' : `$${price}`,
      dollars(sum),
    ]),
  )
  const [first] = replication
  const days = first ? first.measured.days.toFixed(2) : '0'
  return [
    `${workload}   world: ${world}`,
    replication.length === 0
      ? 'no bucket of the workload has a replica'
      : table(['bucket', 'what', 'a month', 'unit', 'price', 'USD a month'], rows),
    `sum: ${dollars(usdPerMonth)} a month, from what was written within ${days} days`,
    `prices: ${prices.date}, ${prices.source}`,
    `not counted: ${notCounted.join(', ')}`,
    ...(world === 'embedded' ? ['an embedded region bills nothing: so AWS would'] : []),
  ].join('\n')
}

const dollars = (sum: number | null) => (sum === null ? 'unknown' : `$${sum.toFixed(2)}`)
