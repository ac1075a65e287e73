/**
 * Making checks fail on purpose, on the control copy, in transactions that are rolled back.
 *
 * A check that passes on the restored database proves something only if it can fail (I8). The control
 * copy holds the very damage; what that does not reach is damaged here.
 */
import { type Database, quoteIdentifier, sqlStateOf } from '../probe/database.ts'
import { runCheck } from './checks.ts'
import { countOrphans, hasReferences } from './foreign-keys.ts'
import type { ForeignKey, Table } from './tables.ts'
import type { Check } from './workload.ts'

/** Values that good data rarely has; the first that a column's type accepts is tried, then the next. */
const BAD_VALUES = ['NULL', "'0'", "'-1'", "''"]

/**
 * Tries to make a check fail that does not fail on the control copy as it is.
 *
 * One row of one column at a time is spoilt, then each table is emptied. Nothing here grows with the tables:
 * emptying is TRUNCATE, which a rollback takes back.
 *
 * @returns what made it fail, in words; undefined when nothing did
 */
export async function makeCheckFail(
  database: Database,
  check: Check,
  tables: readonly Table[],
): Promise<string | undefined> {
  const mentioned = tables.filter((table) => mentions(check.sql, table))
  for (const table of mentioned.length > 0 ? mentioned : tables) {
    for (const damage of damagesTo(table)) {
      const failed = await database.transaction('discard', async () => {
        await loosenConstraints(database, table)
        if (!(await apply(database, damage.sql))) return false
        return (await runCheck(database, check)).state === 'failed'
      })
      if (failed) return damage.words
    }
  }
  return undefined
}

/** How many rows a table has after all of them were deleted: 0, unless counting it is broken. */
export async function countAfterDeletingAll(database: Database, table: Table): Promise<number> {
  return database.transaction('discard', async () => {
    await loosenConstraints(database, table)
    await database.query(`truncate ${table.sql}`)
    const { rows } = await database.one(`select count(*) as rows from ${table.sql}`)
    return Number(rows)
  })
}

/**
 * How many orphans are found after the constraint was dropped and every parent deleted; undefined when no
 * row refers to anything, so that there is nothing to find.
 */
export async function orphansAfterDeletingParents(
  database: Database,
  key: ForeignKey,
): Promise<number | undefined> {
  return database.transaction('discard', async () => {
    if (!(await hasReferences(database, key))) return undefined
    await dropReferencesTo(database, key.parentSql)
    await database.query(`truncate ${key.parentSql}`)
    return countOrphans(database, key)
  })
}

function mentions(sql: string, table: Table): boolean {
  const bare = table.name.slice(table.name.indexOf('.') + 1)
  return sql.toLowerCase().includes(bare.toLowerCase())
}

function damagesTo(table: Table): { sql: string; words: string }[] {
  const spoilt = table.columns
    .filter((column) => !column.isGenerated)
    .flatMap((column) =>
      BAD_VALUES.map((value) => ({
        sql: `update ${table.sql} set ${quoteIdentifier(column.name)} = ${value}
               where ctid = (select ctid from ${table.sql} limit 1)`,
        words: `${column.name} of one row of ${table.name} set to ${value}`,
      })),
    )
  return [...spoilt, { sql: `truncate ${table.sql}`, words: `every row of ${table.name} deleted` }]
}

/** Drops, for the length of the transaction, what would refuse the damage. */
async function loosenConstraints(database: Database, table: Table): Promise<void> {
  await dropReferencesTo(database, table.sql)
  const own = await database.query(
    `select conname from pg_constraint
      where conrelid = $1::regclass and contype in ('c', 'f') and conparentid = 0 and conislocal`,
    [table.sql],
  )
  for (const { conname } of own) {
    await database.query(`alter table ${table.sql} drop constraint ${quoteIdentifier(conname!)}`)
  }
}

async function dropReferencesTo(database: Database, parentSql: string): Promise<void> {
  const references = await database.query(
    `select conrelid::regclass::text as child, conname from pg_constraint
      where confrelid = $1::regclass and contype = 'f' and conparentid = 0`,
    [parentSql],
  )
  for (const { child, conname } of references) {
    await database.query(`alter table ${child} drop constraint ${quoteIdentifier(conname!)}`)
  }
}

/** Whether the damage could be done: a column's type or a rule may refuse it. */
async function apply(database: Database, sql: string): Promise<boolean> {
  await database.query('savepoint lifeboat_damage')
  try {
    await database.query(sql)
    return true
  } catch (error) {
    if (!/^(2[23]|42)/.test(sqlStateOf(error) ?? '')) throw error
    await database.query('rollback to savepoint lifeboat_damage')
    return false
  }
}
