/**
 * Whether a restored table holds as many rows as it can hold.
 *
 * At the baseline it had B rows. Up to the recovery point some were inserted and some deleted; PostgreSQL
 * counted both. So the restored count lies in [B − deleted, B + inserted]. The old instance's statistics
 * go on to the moment when writes were stopped, which makes the interval wider, never too narrow.
 */
import type { Baseline, TableStatistics } from './baseline.ts'

export type Interval = {
  readonly least: number
  readonly most: number
}

export type RowCount = Interval & {
  readonly table: string
  readonly rows: number
  readonly isWithin: boolean
}

/**
 * @param since    what the old instance counts when writes are stopped
 * @param usual    the most rows that a table lost between two baselines, before the damage. When a table
 *   lost more than half of its rows since, that is the damage and not the workload, and this is used instead
 * @returns undefined when the statistics were reset in between (a crash does that): nothing can be said
 */
export function rowInterval(
  baseline: { rows: number } & TableStatistics,
  since: TableStatistics,
  usual = 0,
): Interval | undefined {
  const inserted = since.inserted - baseline.inserted
  const deleted = since.deleted - baseline.deleted
  if (inserted < 0 || deleted < 0) return undefined
  const isDamage = deleted > baseline.rows / 2 && usual < deleted
  const allowed = isDamage ? usual : deleted
  return { least: Math.max(0, baseline.rows - allowed), most: baseline.rows + inserted }
}

/** Compares counts with what they may be; tables of which nothing can be said are left out. */
export function compareCounts(o: {
  counts: Readonly<Record<string, number>>
  baseline: Baseline
  since: Readonly<Record<string, TableStatistics>>
  usualDeletes: Readonly<Record<string, number>>
}): { compared: RowCount[]; unknown: string[] } {
  const compared: RowCount[] = []
  const unknown: string[] = []
  for (const [table, expected] of Object.entries(o.baseline.tables)) {
    const rows = o.counts[table]
    const since = o.since[table]
    // A table that is gone from the old instance has taken its statistics with it.
    const interval = since && rowInterval(expected, since, o.usualDeletes[table])
    if (rows === undefined) {
      compared.push({ table, rows: -1, least: expected.rows, most: expected.rows, isWithin: false })
    } else if (interval) {
      compared.push({ table, rows, ...interval, isWithin: isWithin(rows, interval) })
    } else {
      unknown.push(table)
    }
  }
  return { compared, unknown }
}

export function isWithin(rows: number, { least, most }: Interval): boolean {
  return rows >= least && rows <= most
}
