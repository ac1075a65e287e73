import type { Statistics } from './statistics.ts'

/** Which metric a value is of. Values of another unit are another series of the same metric. */
export interface Metric {
  readonly namespace: string
  readonly name: string
  readonly dimensions: Readonly<Record<string, string>>
}

export interface Series extends Metric {
  readonly unit: string
}

/** How closely a value's time is kept, in seconds. */
export type Resolution = 1 | 60

/** Values of a series at one moment, or in one minute: what is recorded and what is stored. */
export interface Point {
  readonly series: Series
  /** The start, in seconds since 1970; whole minutes in a resolution of 60. */
  readonly atSeconds: number
  readonly resolution: Resolution
  readonly statistics: Statistics
}

/** The same for the same metric, whatever the order of its dimensions. */
export function metricId({ namespace, name, dimensions }: Metric): string {
  const sorted = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([namespace, name, sorted])
}

export function seriesId(series: Series): string {
  return JSON.stringify([metricId(series), series.unit])
}

/** The start of what holds a moment, in seconds since 1970. */
export function startOf(at: Date, resolution: Resolution): number {
  return Math.floor(at.getTime() / (resolution * 1000)) * resolution
}
