import type { Database } from '../probe/database.ts'
import { type ForeignKey, listForeignKeys, listTables, type TableChoice } from './tables.ts'

/**
 * What a database held at a moment at which every check passed: what a restore is compared with.
 *
 * JSON: an execution keeps it in its journal.
 */
export type Baseline = {
  /** The database's clock, just after the snapshot was taken; ISO 8601. */
  readonly at: string
  /** `pg_current_snapshot()`: which transactions had committed. */
  readonly snapshot: string
  readonly tables: Readonly<Record<string, TableBaseline>>
  readonly foreignKeys: readonly ForeignKey[]
}

export type TableBaseline = {
  readonly rows: number
  /** Rows ever inserted and deleted, by PostgreSQL's statistics. They lag, so they never claim too much. */
  readonly inserted: number
  readonly deleted: number
}

export type TableStatistics = Pick<TableBaseline, 'inserted' | 'deleted'>

/**
 * Counts every table. Call it inside a `snapshot` transaction, so that all counts are of one moment.
 *
 * The statistics are read before the rows are counted: what happens in between then widens the interval
 * in which a restored count must lie, instead of making it too narrow.
 */
export async function captureBaseline(database: Database, choice: TableChoice): Promise<Baseline> {
  const moment = await database.one(
    `select to_json(clock_timestamp()) #>> '{}' as at, pg_current_snapshot()::text as snapshot`,
  )
  const statistics = await readStatistics(database)
  const tables: Record<string, TableBaseline> = {}
  for (const table of await listTables(database, choice)) {
    const { rows } = await database.one(`select count(*) as rows from ${table.sql}`)
    const seen = statistics[table.name] ?? { inserted: 0, deleted: 0 }
    tables[table.name] = { rows: Number(rows), ...seen }
  }
  const foreignKeys = await listForeignKeys(database, choice)
  return { at: isoTime(moment.at), snapshot: moment.snapshot!, tables, foreignKeys }
}

/** Rows ever inserted and deleted, by table. Complete once every writing session has ended. */
export async function readStatistics(database: Database): Promise<Record<string, TableStatistics>> {
  const rows = await database.query(`
    select schemaname || '.' || relname as name, n_tup_ins, n_tup_del from pg_stat_user_tables`)
  return Object.fromEntries(
    rows.map((row) => [
      row.name!,
      { inserted: Number(row.n_tup_ins), deleted: Number(row.n_tup_del) },
    ]),
  )
}

/** PostgreSQL's `2026-01-15T10:30:00.123456+00:00` as `2026-01-15T10:30:00.123456Z`, microseconds kept. */
export function isoTime(text: string | null | undefined): string {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?([+-]\d\d:\d\d|Z)$/.exec(
    text ?? '',
  )
  if (!parts) return text ?? ''
  const [, second, fraction = '', zone = 'Z'] = parts
  const utc = new Date(`${second}${zone}`).toISOString().slice(0, 19)
  return `${utc}.${fraction.padEnd(6, '0')}Z`
}
