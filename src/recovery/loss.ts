import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { type Database, quoteIdentifier, type Row } from '../probe/database.ts'

/**
 * A file of JSON lines that a writer outside the database keeps: one line for each write that was
 * acknowledged to it, appended after the acknowledgement.
 */
export type LedgerFile = {
  readonly path: string
  /** Field of a line that names the row, and the table and column to find it in. */
  readonly keyField: string
  readonly table: string
  readonly keyColumn: string
  /** Field with the moment of the acknowledgement, ISO 8601. */
  readonly timeField: string
  /** Fields that must equal the columns of the same name; numbers by value. */
  readonly compare?: readonly string[]
}

/** What became of acknowledged writes. */
export type LossCount = {
  readonly acknowledged: number
  /** Acknowledged, and not in the database. */
  readonly lost: number
  /** In the database, with other content than was acknowledged. */
  readonly altered: number
  /** When the oldest write that is lost or altered was acknowledged; null when there is none. */
  readonly oldestLostAt: string | null
}

const BATCH = 1_000

/** Looks every acknowledged write up. A last line that was cut off by a crash was not acknowledged. */
export async function countLoss(database: Database, ledger: LedgerFile): Promise<LossCount> {
  const count = { acknowledged: 0, lost: 0, altered: 0, oldestLostAt: null as string | null }
  const type = await keyType(database, ledger)
  for await (const batch of batchesOf(ledger.path)) {
    count.acknowledged += batch.length
    const present = await lookUp(database, ledger, type, batch)
    for (const entry of batch) {
      const row = present.get(String(entry[ledger.keyField]))
      const isIntact =
        row !== undefined &&
        (ledger.compare ?? []).every((field) => sameValue(row[field], entry[field]))
      if (isIntact) continue
      if (row) count.altered += 1
      else count.lost += 1
      const at = String(entry[ledger.timeField])
      if (count.oldestLostAt === null || at < count.oldestLostAt) count.oldestLostAt = at
    }
  }
  return count
}

type Entry = Readonly<Record<string, unknown>>

async function keyType(database: Database, ledger: LedgerFile): Promise<string> {
  const { type } = await database.one(
    `select format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = $1::regclass and attname = $2`,
    [quoteIdentifier(...ledger.table.split('.')), ledger.keyColumn],
  )
  return type ?? 'text'
}

async function lookUp(
  database: Database,
  ledger: LedgerFile,
  type: string,
  batch: readonly Entry[],
): Promise<Map<string, Row>> {
  const key = quoteIdentifier(ledger.keyColumn)
  const compared = (ledger.compare ?? []).map((field) => `, ${quoteIdentifier(field)}`).join('')
  const rows = await database.query(
    `select ${key}::text as lifeboat_key${compared} from ${quoteIdentifier(...ledger.table.split('.'))}
      where ${key} in (select k::${type} from json_array_elements_text($1::json) k)`,
    [JSON.stringify(batch.map((entry) => String(entry[ledger.keyField])))],
  )
  return new Map(rows.map((row) => [row.lifeboat_key!, row]))
}

function sameValue(stored: string | null | undefined, acknowledged: unknown): boolean {
  if (stored === null || stored === undefined) return acknowledged === null
  if (stored === String(acknowledged)) return true
  return stored.trim() !== '' && Number(stored) === Number(acknowledged)
}

async function* batchesOf(path: string): AsyncGenerator<Entry[]> {
  let batch: Entry[] = []
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const entry = parseLine(line)
    if (entry) batch.push(entry)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function parseLine(line: string): Entry | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
