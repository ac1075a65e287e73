/** What a moment, or a period, has seen of a metric. */
export interface Statistics {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
  /**
   * How often which value was seen, which percentiles need. Left out when all values are the same, and when nobody has
   * told them one by one.
   */
  readonly counts?: ReadonlyMap<number, number>
}

/** Beyond so many different values, they are rounded: see `rounded`. */
const MAX_DISTINCT = 1000
const KEPT_DIGITS = 3

export function ofValue(value: number, count = 1): Statistics {
  return { count, sum: value * count, min: value, max: value }
}

export function together(a: Statistics, b: Statistics): Statistics {
  const all = {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
  }
  const counts = all.min === all.max ? undefined : countsTogether(a, b)
  return counts ? { ...all, counts } : all
}

/** The statistics that every metric has, by their names. */
const STATISTICS: Readonly<Record<string, (statistics: Statistics) => number>> = {
  SampleCount: ({ count }) => count,
  Sum: ({ sum }) => sum,
  Minimum: ({ min }) => min,
  Maximum: ({ max }) => max,
  Average: ({ sum, count }) => sum / count,
}

/**
 * Reads one statistic off a period; undefined when it is not known there: a percentile of what was told as a sum, or of
 * negative values.
 */
export type Reading = (statistics: Statistics) => number | undefined

/** Undefined when there is no such statistic here. */
export function readingOf(name: string): Reading | undefined {
  if (Object.hasOwn(STATISTICS, name)) return STATISTICS[name]
  const share = percentileOf(name)
  return share === undefined ? undefined : (statistics) => percentile(statistics, share)
}

/**
 * The share of values that a percentile leaves below it: 0.99 for `p99`. Undefined for what is no percentile.
 *
 * Unlike AWS: of the extended statistics there are percentiles only, without trimmed means and the like.
 */
export function percentileOf(name: string): number | undefined {
  const [, digits] = /^p(\d{1,3}(?:\.\d{1,10})?)$/.exec(name) ?? []
  const percent = Number(digits ?? Number.NaN)
  return percent <= 100 ? percent / 100 : undefined
}

/**
 * The smallest value that at least this share of all values do not exceed. Unlike AWS: percentiles are exact, up to a thousand values in
 * a minute.
 *
 * Source: GetMetricStatistics, ExtendedStatistics: not for negative values.
 */
function percentile(statistics: Statistics, share: number): number | undefined {
  const counts = knownCounts(statistics)
  if (!counts || statistics.min < 0) return undefined
  let left = Math.max(1, Math.ceil(share * statistics.count))
  for (const [value, count] of [...counts].sort(([a], [b]) => a - b)) {
    left -= count
    if (left <= 0) return value
  }
  return statistics.max
}

function knownCounts(statistics: Statistics): ReadonlyMap<number, number> | undefined {
  const { min, max, count, counts } = statistics
  return min === max ? new Map([[min, count]]) : counts
}

function countsTogether(a: Statistics, b: Statistics): ReadonlyMap<number, number> | undefined {
  const [ofA, ofB] = [knownCounts(a), knownCounts(b)]
  if (!ofA || !ofB) return undefined
  const merged = new Map(ofA)
  for (const [value, count] of ofB) merged.set(value, (merged.get(value) ?? 0) + count)
  return merged.size > MAX_DISTINCT ? rounded(merged) : merged
}

/** Bounds how many values a minute remembers: to three digits, which is within half a percent. */
function rounded(counts: ReadonlyMap<number, number>): Map<number, number> {
  const result = new Map<number, number>()
  for (const [value, count] of counts) {
    const kept = Number(value.toPrecision(KEPT_DIGITS))
    result.set(kept, (result.get(kept) ?? 0) + count)
  }
  return result
}
