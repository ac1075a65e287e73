/** What one minute, or a period of more, has seen of a metric. */
export interface Statistics {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
}

export interface Series {
  readonly namespace: string
  readonly name: string
  readonly unit: string
  readonly dimensions: Readonly<Record<string, string>>
  readonly statisticsByMinute: Map<number, Statistics>
}

const MINUTE_MS = 60_000
/** Source: CloudWatch User Guide, "Metrics retention": points of one minute are kept for 15 days. */
const KEPT_MS = 15 * 24 * 60 * MINUTE_MS

/** The metrics of a region, by the minute. Unlike AWS: they begin anew with the region's process. */
export class MetricSeries {
  readonly #seriesById = new Map<string, Series>()

  record(metric: Omit<Series, 'statisticsByMinute'>, value: number, at: Date): void {
    const { namespace, name, dimensions } = metric
    const id = JSON.stringify([namespace, name, Object.entries(dimensions).sort()])
    const known = this.#seriesById.get(id)
    const series = known ?? { ...metric, statisticsByMinute: new Map() }
    if (!known) this.#seriesById.set(id, series)
    const minute = Math.floor(at.getTime() / MINUTE_MS) * MINUTE_MS
    const before = series.statisticsByMinute.get(minute)
    const one = { count: 1, sum: value, min: value, max: value }
    series.statisticsByMinute.set(minute, before ? together(before, one) : one)
    for (const old of series.statisticsByMinute.keys()) {
      if (old >= minute - KEPT_MS) break
      series.statisticsByMinute.delete(old)
    }
  }

  /** @param dimensions  those that a series must have, with any value where it is undefined */
  find(o: {
    namespace?: string | undefined
    name?: string | undefined
    dimensions: readonly { Name?: string | undefined; Value?: string | undefined }[]
  }): Series[] {
    return [...this.#seriesById.values()].filter(
      ({ namespace, name, dimensions }) =>
        (o.namespace === undefined || o.namespace === namespace) &&
        (o.name === undefined || o.name === name) &&
        o.dimensions.every(({ Name = '', Value }) => {
          const held = dimensions[Name]
          return held !== undefined && (Value === undefined || Value === held)
        }),
    )
  }
}

/** Statistics by the start of their period, oldest first. */
export function byPeriod(
  series: Series | undefined,
  o: { from: Date; to: Date; periodSeconds: number },
): [Date, Statistics][] {
  const periodMs = o.periodSeconds * 1000
  const found = new Map<number, Statistics>()
  for (const [minute, statistics] of series?.statisticsByMinute ?? []) {
    const start = Math.floor(minute / periodMs) * periodMs
    if (start < Math.floor(o.from.getTime() / periodMs) * periodMs || start >= o.to.getTime()) {
      continue
    }
    const before = found.get(start)
    found.set(start, before ? together(before, statistics) : statistics)
  }
  return [...found].sort(([a], [b]) => a - b).map(([start, held]) => [new Date(start), held])
}

function together(a: Statistics, b: Statistics): Statistics {
  return {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
  }
}
