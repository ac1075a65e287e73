/**
 * Finding the transaction that did the damage, from what it left behind.
 *
 * Each row version carries the transaction that wrote it. Grouped by it, the row versions that are
 * newer than the last good snapshot show who wrote what since; one statement without a WHERE stands out
 * by orders of magnitude. A DELETE, a TRUNCATE or a DROP leaves no row version behind, so it is never found
 * here: then the last good check bounds the moment, and nothing more is claimed.
 */
import { type Database, sqlStateOf } from '../probe/database.ts'
import { type Baseline, isoTime, readStatistics } from './baseline.ts'
import { listTables, type Table } from './tables.ts'
import { fullTransactionId, parseSnapshot, wasVisible } from './transaction-snapshot.ts'

/** One transaction's traces in one or more tables. */
export type WritingTransaction = {
  /** The 64-bit numbers of the transaction and its subtransactions. */
  readonly ids: readonly string[]
  /** By the database's clock, with microseconds; undefined when the server does not track it. */
  readonly committedAt?: string
  readonly rowsByTable: Readonly<Record<string, number>>
  readonly rows: number
}

/** Who has written since a snapshot. */
export interface WritesSince {
  readonly transactions: readonly WritingTransaction[]
  readonly tracksCommitTimes: boolean
}

const TOP_PER_TABLE = 50
/** How much larger than every other transaction a suspect is. */
const DOMINANCE = 5
const FEWEST_ROWS = 10
/** A transaction takes its commit time before others can see it: the flush to disk lies in between. */
const COMMIT_MS = 2_000

/** Groups the row versions that `snapshot` did not see by the transaction that wrote them. */
export async function findWritesSince(
  database: Database,
  tables: readonly Table[],
  snapshot: string,
): Promise<WritesSince> {
  const good = parseSnapshot(snapshot)
  const { current, tracks } = await database.one(
    `select pg_snapshot_xmax(pg_current_snapshot())::text as current,
            current_setting('track_commit_timestamp') as tracks`,
  )
  const tracksCommitTimes = tracks === 'on'
  const byKey = new Map<string, { ids: Set<string>; at?: string; rows: Map<string, number> }>()

  for (const table of tables) {
    // Numbers of transactions are compared modulo 2^32, as PostgreSQL itself does.
    const groups = await database.query(
      `select xmin::text as id, count(*) as rows from ${table.sql}
        where ((xmin::text::bigint - $1::bigint) & 4294967295) < 2147483648
        group by xmin order by count(*) desc limit ${TOP_PER_TABLE}`,
      [String(good.xmin & 0xffff_ffffn)],
    )
    for (const group of groups) {
      const id = fullTransactionId(BigInt(group.id!), BigInt(current!))
      if (wasVisible(good, id)) continue
      const at = tracksCommitTimes ? await commitTime(database, group.id!) : undefined
      const key = at ?? String(id)
      const found = byKey.get(key) ?? { ids: new Set(), rows: new Map(), ...(at && { at }) }
      found.ids.add(String(id))
      found.rows.set(table.name, (found.rows.get(table.name) ?? 0) + Number(group.rows))
      byKey.set(key, found)
    }
  }
  const transactions = [...byKey.values()].map(({ ids, at, rows }) => ({
    ids: [...ids],
    ...(at && { committedAt: at }),
    rowsByTable: Object.fromEntries(rows),
    rows: [...rows.values()].reduce((sum, one) => sum + one, 0),
  }))
  return { transactions: transactions.toSorted((a, b) => b.rows - a.rows), tracksCommitTimes }
}

/** When a transaction committed; undefined when the server has forgotten or never knew. */
async function commitTime(database: Database, id: string): Promise<string | undefined> {
  try {
    const { at } = await database.one(
      `select to_json(pg_xact_commit_timestamp($1::text::xid)) #>> '{}' as at`,
      [id],
    )
    return at ? isoTime(at) : undefined
  } catch (error) {
    if (sqlStateOf(error) === '22023' || sqlStateOf(error) === '55000') return undefined
    throw error
  }
}

/**
 * How many rows the table that lost the most has lost since a baseline, by whatever means: a DELETE, a TRUNCATE,
 * a DROP. Inserts since then do not make up for them.
 */
export async function countVanished(database: Database, baseline: Baseline): Promise<number> {
  const statistics = await readStatistics(database)
  const tables = await listTables(database, { ignore: [] })
  let most = 0
  for (const [name, before] of Object.entries(baseline.tables)) {
    const table = tables.find((one) => one.name === name)
    const since = statistics[name]
    if (!table || !since) {
      most = Math.max(most, before.rows)
      continue
    }
    const { rows } = await database.one(`select count(*) as rows from ${table.sql}`)
    const inserted = Math.max(0, since.inserted - before.inserted)
    most = Math.max(most, before.rows + inserted - Number(rows))
  }
  return most
}

/** What is known of the damage before the suspect is looked for. */
export interface DamageBounds {
  readonly lastGoodAt?: string
  readonly firstBadAt?: string
  /** Rows that vanished since the last good snapshot, of the table that lost the most. */
  readonly mostVanished: number
}

export type Suspect = {
  readonly transaction: WritingTransaction
  /** Why it is this one, and what speaks against certainty. */
  readonly because: string
}

/**
 * The transaction that rewrote the most rows, if it stands out.
 *
 * None is named when another wrote nearly as many, when more rows vanished than any transaction
 * wrote (a DELETE, TRUNCATE or DROP leaves no row to follow), or when it committed outside of what the checks allow.
 */
export function chooseSuspect(writes: WritesSince, bounds: DamageBounds): Suspect | undefined {
  const inBounds = writes.transactions.filter(({ committedAt }) => {
    if (committedAt === undefined) return true
    const time = Date.parse(committedAt)
    if (bounds.lastGoodAt && time < Date.parse(bounds.lastGoodAt) - COMMIT_MS) return false
    return !bounds.firstBadAt || time <= Date.parse(bounds.firstBadAt)
  })
  const [first, second] = inBounds
  if (!first || first.rows < FEWEST_ROWS) return undefined
  if (first.rows < DOMINANCE * (second?.rows ?? 0)) return undefined
  if (bounds.mostVanished >= first.rows) return undefined

  const tables = Object.entries(first.rowsByTable)
    .map(([table, rows]) => `${rows} rows of ${table}`)
    .join(', ')
  const next = second ? `the next largest wrote ${second.rows}` : 'no other wrote any'
  return { transaction: first, because: `it wrote ${tables}; ${next}` }
}
