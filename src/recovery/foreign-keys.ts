import { type Database, quoteIdentifier } from '../probe/database.ts'
import type { ForeignKey } from './tables.ts'

/**
 * Rows that refer to a row which is not there, counted by anti-join: an index or a trigger that was
 * damaged cannot hide them. NULL in any column refers to nothing (MATCH SIMPLE).
 */
export async function countOrphans(database: Database, key: ForeignKey): Promise<number> {
  const { orphans } = await database.one(`select count(*) as orphans from ${orphanSource(key)}`)
  return Number(orphans)
}

/** Whether any row refers to anything, so that orphans can exist at all. */
export async function hasReferences(database: Database, key: ForeignKey): Promise<boolean> {
  const { found } = await database.one(
    `select exists (select from ${key.childSql} c where ${refersToSomething(key)}) as found`,
  )
  return found === 't'
}

function orphanSource(key: ForeignKey): string {
  const joined = key.childColumns
    .map((column, index) => {
      const parentColumn = key.parentColumns[index]!
      return `p.${quoteIdentifier(parentColumn)} = c.${quoteIdentifier(column)}`
    })
    .join(' and ')
  return `${key.childSql} c where ${refersToSomething(key)}
    and not exists (select from ${key.parentSql} p where ${joined})`
}

function refersToSomething(key: ForeignKey): string {
  return key.childColumns.map((column) => `c.${quoteIdentifier(column)} is not null`).join(' and ')
}
