import type { Clock } from '../../../core/clock.ts'
import { type Metric, metricId, type Point, type Series, seriesId, startOf } from './metric.ts'
import { hourOf, MetricJournal } from './metric-journal.ts'
import { ofValue, type Statistics, together } from './statistics.ts'

const MINUTE = 60
/** Source: CloudWatch User Guide, "Metrics retention": 15 days by the minute, 3 hours by the second. */
const KEPT_SECONDS = 15 * 24 * 3600
const FINE_SECONDS = 3 * 3600
/** What the metrics of a region may take on disk, in bytes; in memory they take some times as much. */
const MAX_BYTES = 32 * 1024 * 1024

/** A metric's values of one unit, by their start in seconds since 1970. */
interface Values {
  readonly byMinute: Map<number, Statistics>
  readonly bySecond: Map<number, Statistics>
}

interface Held {
  readonly metric: Metric
  readonly valuesByUnit: Map<string, Values>
  /** The start of the newest value, in seconds since 1970. */
  lastSeconds: number
}

/** What is asked of a metric. */
export interface PeriodQuery {
  /** Where the first period begins. */
  readonly from: Date
  /** No value from here on counts. */
  readonly to: Date
  /** Below a minute, only values that were kept by the second count. */
  readonly periodSeconds: number
  /** Undefined: any. */
  readonly unit?: string | undefined
}

/** What a period has seen of a metric in one unit. */
export interface Period {
  readonly startAt: Date
  readonly unit: string
  readonly statistics: Statistics
}

/**
 * The metrics of a region: in memory, and in a journal that outlives it.
 *
 * Unlike AWS: datapoints are kept for 15 days, or until they fill 32 MiB, the oldest hours being forgotten first; nothing coarser is kept
 * of what is older.
 */
export class MetricStore {
  readonly #heldById = new Map<string, Held>()
  /** What is in memory and not in the journal yet, by series and start. */
  #unwritten = new Map<string, Point>()
  #expiredInHour = 0

  private constructor(
    private readonly journal: MetricJournal,
    private readonly clock: Clock,
  ) {}

  /** @throws LifeboatError `FolderNotUsable`, `StateDamaged` */
  static async open(o: { folder: string; clock: Clock; maxBytes?: number }): Promise<MetricStore> {
    const read: Point[] = []
    let store: MetricStore | undefined
    const journal = await MetricJournal.open({
      folder: o.folder,
      maxBytes: o.maxBytes ?? MAX_BYTES,
      onPoint: (point) => read.push(point),
      onDropped: (hour) => {
        if (store) store.#forgetWhere((atSeconds) => hourOf(atSeconds) === hour)
      },
    })
    store = new MetricStore(journal, o.clock)
    for (const point of read) store.#add(point)
    await store.#expire()
    return store
  }

  /** Counts a value now; `flush` makes it durable. */
  record(series: Series, value: number, at: Date): void {
    const atSeconds = startOf(at, MINUTE)
    const point: Point = { series, atSeconds, resolution: MINUTE, statistics: ofValue(value) }
    this.#add(point)
    this.#note(point)
  }

  /** Counts points once they are durable. @throws LifeboatError `DiskFull`; then none of them counts */
  async put(points: readonly Point[]): Promise<void> {
    await this.journal.append(points)
    for (const point of points) this.#add(point)
    await this.#expire()
  }

  /** Makes durable what was recorded. @throws LifeboatError `DiskFull`; the next call tries again */
  async flush(): Promise<void> {
    const points = [...this.#unwritten.values()]
    if (points.length === 0) return
    this.#unwritten = new Map()
    try {
      await this.journal.append(points)
    } catch (error) {
      for (const point of points) this.#note(point)
      throw error
    }
    await this.#expire()
  }

  async close(): Promise<void> {
    try {
      await this.flush()
    } finally {
      await this.journal.close()
    }
  }

  /** Metrics that have values, each once, whatever their units, in an order of their own. */
  list(): { metric: Metric; lastAt: Date }[] {
    return [...this.#heldById]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { metric, lastSeconds }]) => ({ metric, lastAt: new Date(lastSeconds * 1000) }))
  }

  /** The periods of a metric that have values, oldest first; one for each unit. */
  periods(metric: Metric, query: PeriodQuery): Period[] {
    const valuesByUnit = this.#heldById.get(metricId(metric))?.valuesByUnit ?? []
    const oldestSeconds = this.clock.now().getTime() / 1000 - KEPT_SECONDS
    return [...valuesByUnit]
      .filter(([unit]) => query.unit === undefined || query.unit === unit)
      .flatMap(([unit, values]) =>
        periodsOf(values, query, oldestSeconds).map((period) => ({ unit, ...period })),
      )
      .sort((a, b) => a.startAt.getTime() - b.startAt.getTime())
  }

  #add({ series, atSeconds, resolution, statistics }: Point): void {
    const { unit, ...metric } = series
    const id = metricId(metric)
    const held = this.#heldById.get(id) ?? { metric, valuesByUnit: new Map(), lastSeconds: 0 }
    const values = held.valuesByUnit.get(unit) ?? { byMinute: new Map(), bySecond: new Map() }
    addTo(resolution === 1 ? values.bySecond : values.byMinute, atSeconds, statistics)
    held.valuesByUnit.set(unit, values)
    held.lastSeconds = Math.max(held.lastSeconds, atSeconds)
    this.#heldById.set(id, held)
  }

  #note(point: Point): void {
    const id = JSON.stringify([seriesId(point.series), point.atSeconds])
    const before = this.#unwritten.get(id)?.statistics
    const statistics = before ? together(before, point.statistics) : point.statistics
    this.#unwritten.set(id, { ...point, statistics })
  }

  /** Once an hour: forgets what is too old, and keeps by the minute what was kept by the second. */
  async #expire(): Promise<void> {
    const nowSeconds = this.clock.now().getTime() / 1000
    const hour = hourOf(nowSeconds)
    if (hour === this.#expiredInHour) return
    this.#expiredInHour = hour
    for (const { valuesByUnit } of this.#heldById.values()) {
      for (const values of valuesByUnit.values()) coarsen(values, nowSeconds - FINE_SECONDS)
    }
    const before = hourOf(nowSeconds - KEPT_SECONDS)
    await this.journal.expire(before)
    this.#forgetWhere((atSeconds) => hourOf(atSeconds) < before)
  }

  #forgetWhere(isForgotten: (atSeconds: number) => boolean): void {
    for (const [id, { valuesByUnit }] of this.#heldById) {
      for (const [unit, { byMinute, bySecond }] of valuesByUnit) {
        for (const values of [byMinute, bySecond]) {
          for (const atSeconds of values.keys())
            if (isForgotten(atSeconds)) values.delete(atSeconds)
        }
        if (byMinute.size + bySecond.size === 0) valuesByUnit.delete(unit)
      }
      if (valuesByUnit.size === 0) this.#heldById.delete(id)
    }
  }
}

function coarsen({ byMinute, bySecond }: Values, beforeSeconds: number): void {
  for (const [atSeconds, statistics] of bySecond) {
    if (atSeconds >= beforeSeconds) continue
    addTo(byMinute, Math.floor(atSeconds / MINUTE) * MINUTE, statistics)
    bySecond.delete(atSeconds)
  }
}

function periodsOf(
  { byMinute, bySecond }: Values,
  { from, to, periodSeconds }: PeriodQuery,
  oldestSeconds: number,
): { startAt: Date; statistics: Statistics }[] {
  const [first, end] = [from.getTime() / 1000, to.getTime() / 1000]
  const found = new Map<number, Statistics>()
  for (const values of periodSeconds < MINUTE ? [bySecond] : [bySecond, byMinute]) {
    for (const [atSeconds, statistics] of values) {
      if (atSeconds < Math.max(first, oldestSeconds) || atSeconds >= end) continue
      const start = first + Math.floor((atSeconds - first) / periodSeconds) * periodSeconds
      addTo(found, start, statistics)
    }
  }
  return [...found].map(([start, statistics]) => ({ startAt: new Date(start * 1000), statistics }))
}

function addTo(values: Map<number, Statistics>, at: number, statistics: Statistics): void {
  const before = values.get(at)
  values.set(at, before ? together(before, statistics) : statistics)
}

/** Values of all units together, for who asks for no unit. */
export function withoutUnits(periods: readonly Period[]): [Date, Statistics][] {
  const found = new Map<number, Statistics>()
  for (const { startAt, statistics } of periods) {
    const before = found.get(startAt.getTime())
    found.set(startAt.getTime(), before ? together(before, statistics) : statistics)
  }
  return [...found].map(([startMs, statistics]) => [new Date(startMs), statistics])
}
