/**
 * Finding good rows that only the old instance has, and what stands against putting them back.
 *
 * Every row version on the old instance that is newer than the last good snapshot is looked up by primary
 * key on the restored one:
 *
 *   written by the suspect, not on the restored one   lost: only its damaged form is left
 *   written by the suspect, on the restored one       nothing: the restored one has the good form
 *   refers to a lost row                              lost: it cannot stand alone
 *   not on the restored one                           salvaged: an INSERT
 *   there, with other content                         conflict: an UPDATE, for a person to judge
 *
 * Old rows are streamed and looked up by the batch, so memory does not grow with the table.
 */
import { type Database, quoteIdentifier } from '../probe/database.ts'
import type { SalvageSink } from './salvage-files.ts'
import { type ForeignKey, foreignKeyOrder, type Table } from './tables.ts'
import { parseSnapshot } from './transaction-snapshot.ts'

export type SalvageCounts = {
  /** Rows that can be put back. */
  readonly salvaged: number
  readonly conflicts: number
  /** Rows of which no good form is left on either instance. */
  readonly lost: number
  /** Of those that are lost: good themselves, but they refer to a row that is lost. */
  readonly heldBack: number
  readonly byTable: Readonly<Record<string, TableSalvage>>
  /** Tables with newer rows but without a primary key, by which they could be found. */
  readonly withoutKey: readonly string[]
}

export type TableSalvage = {
  readonly salvaged: number
  readonly conflicts: number
  readonly lost: number
  readonly heldBack: number
}

export interface SalvageSearch {
  /** The old instance, fenced, in a `snapshot` transaction. */
  readonly old: Database
  readonly restored: Database
  readonly tables: readonly Table[]
  readonly foreignKeys: readonly ForeignKey[]
  /** `pg_current_snapshot()` at or before the recovery point; without it, all rows are compared. */
  readonly snapshot?: string
  /** 64-bit numbers of the transactions that did the damage. */
  readonly suspects: readonly string[]
  /** Leaves the rows that suspects wrote unread: to see what is still missing of the good ones. */
  readonly onlyGood?: boolean
  readonly files: SalvageSink
  readonly signal?: AbortSignal
  readonly onProgress?: (table: string, rows: number) => void
}

/** Text values in the order of `Table.columns`. */
export type RowValues = readonly (string | null)[]

export async function findSalvage(search: SalvageSearch): Promise<SalvageCounts> {
  await settleFormats(search.old)
  await settleFormats(search.restored)
  const { order } = foreignKeyOrder(search.tables, search.foreignKeys)
  const lostKeys = new LostKeys(search.foreignKeys)
  const byTable: Record<string, TableSalvage> = {}
  const withoutKey: string[] = []
  for (const table of order) {
    if (table.primaryKey.length === 0) {
      if (await hasNewerRows(search, table)) withoutKey.push(table.name)
      continue
    }
    const counts = await searchTable(search, table, lostKeys)
    if (counts.salvaged + counts.conflicts + counts.lost > 0) byTable[table.name] = counts
  }
  const sum = (kind: keyof TableSalvage) =>
    Object.values(byTable).reduce((total, counts) => total + counts[kind], 0)
  return {
    salvaged: sum('salvaged'),
    conflicts: sum('conflicts'),
    lost: sum('lost'),
    heldBack: sum('heldBack'),
    byTable,
    withoutKey,
  }
}

async function searchTable(search: SalvageSearch, table: Table, lostKeys: LostKeys) {
  const { old, restored, files, signal, onProgress } = search
  const counts = { salvaged: 0, conflicts: 0, lost: 0, heldBack: 0 }
  let seen = 0
  for await (const batch of old.stream(newerRows(search, table))) {
    signal?.throwIfAborted()
    const rows = batch.map((row) => ({
      values: JSON.parse(row.values!) as RowValues,
      isSuspect: row.is_suspect === 't',
    }))
    const present = await lookUp(
      restored,
      table,
      rows.map(({ values }) => keyOf(table, values)),
    )
    for (const { values, isSuspect } of rows) {
      const other = present.get(JSON.stringify(keyOf(table, values)))
      if (other) {
        if (isSuspect || sameValues(values, other)) continue
        counts.conflicts += 1
        await files.conflict(table, values, other)
      } else if (isSuspect || lostKeys.isReferredToBy(table, values)) {
        counts.lost += 1
        if (!isSuspect) counts.heldBack += 1
        lostKeys.add(table, values)
        await files.lost(table, values)
      } else {
        counts.salvaged += 1
        await files.salvage(table, values)
      }
    }
    seen += batch.length
    onProgress?.(table.name, seen)
  }
  await files.endTable()
  return counts
}

/** What text values look like, so that both instances write the same value alike. */
async function settleFormats(database: Database): Promise<void> {
  await database.query(
    `SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET intervalstyle = 'postgres';
     SET bytea_output = 'hex'; SET extra_float_digits = 1`,
  )
}

function newerRows({ snapshot, suspects, onlyGood }: SalvageSearch, table: Table): string {
  const short = (id: string) => `'${BigInt(id) & 0xffff_ffffn}'`
  const isSuspect =
    suspects.length > 0 ? `xmin::text in (${suspects.map(short).join(', ')})` : 'false'
  const conditions = [
    ...(snapshot === undefined ? [] : [isNewer(snapshot)]),
    ...(onlyGood ? [`not ${isSuspect}`] : []),
  ]
  return (
    `select ${valuesOf(table)} as values, ${isSuspect} as is_suspect from ${table.sql}` +
    (conditions.length > 0 ? ` where ${conditions.join(' and ')}` : '')
  )
}

/** Numbers of transactions are compared modulo 2^32, as PostgreSQL itself does. */
function isNewer(snapshot: string): string {
  const oldest = parseSnapshot(snapshot).xmin & 0xffff_ffffn
  return `((xmin::text::bigint - ${oldest}) & 4294967295) < 2147483648`
}

async function hasNewerRows({ old, snapshot }: SalvageSearch, table: Table): Promise<boolean> {
  if (snapshot === undefined) return false
  const { found } = await old.one(
    `select exists (select from ${table.sql} where ${isNewer(snapshot)}) as found`,
  )
  return found === 't'
}

function valuesOf(table: Table): string {
  const columns = table.columns.map((column) => `${quoteIdentifier(column.name)}::text`)
  return `to_json(array[${columns.join(', ')}]::text[])::text`
}

/** Rows of the restored instance by key; the key is the JSON of its values. */
async function lookUp(
  restored: Database,
  table: Table,
  keys: readonly RowValues[],
): Promise<Map<string, RowValues>> {
  const columns = table.primaryKey.map((name) => quoteIdentifier(name)).join(', ')
  const wanted = table.primaryKey
    .map((name, index) => `(k->>${index})::${typeOf(table, name)}`)
    .join(', ')
  const rows = await restored.query(
    `select ${valuesOf(table)} as values from ${table.sql}
      where (${columns}) in (select ${wanted} from json_array_elements($1::json) k)`,
    [JSON.stringify(keys)],
  )
  return new Map(
    rows.map((row) => {
      const values = JSON.parse(row.values!) as RowValues
      return [JSON.stringify(keyOf(table, values)), values]
    }),
  )
}

function typeOf(table: Table, name: string): string {
  return table.columns.find((column) => column.name === name)!.type
}

function keyOf(table: Table, values: RowValues): RowValues {
  return valuesAt(table, values, table.primaryKey)
}

function valuesAt(table: Table, values: RowValues, names: readonly string[]): RowValues {
  return names.map((name) => values[table.columns.findIndex((column) => column.name === name)]!)
}

const sameValues = (a: RowValues, b: RowValues) => a.every((value, index) => value === b[index])

/** Keys of rows that are lost, as the foreign keys that refer to them see them. */
class LostKeys {
  readonly #lost = new Map<string, Set<string>>()

  constructor(private readonly foreignKeys: readonly ForeignKey[]) {}

  add(table: Table, values: RowValues): void {
    for (const key of this.foreignKeys.filter((one) => one.parent === table.name)) {
      const lost = this.#lost.get(key.name + key.childSql) ?? new Set()
      lost.add(JSON.stringify(valuesAt(table, values, key.parentColumns)))
      this.#lost.set(key.name + key.childSql, lost)
    }
  }

  isReferredToBy(table: Table, values: RowValues): boolean {
    return this.foreignKeys.some((key) => {
      const lost = key.child === table.name ? this.#lost.get(key.name + key.childSql) : undefined
      return lost?.has(JSON.stringify(valuesAt(table, values, key.childColumns))) ?? false
    })
  }
}
