import { type Database, quoteIdentifier } from '../probe/database.ts'

/** A table that holds rows of the workload. A partition is a table; its parent holds no rows. */
export interface Table {
  /** `schema.table`, unquoted: a name for people and keys of maps. */
  readonly name: string
  /** The name as SQL. */
  readonly sql: string
  readonly columns: readonly Column[]
  /** Column names in the order of the key; empty when there is no primary key. */
  readonly primaryKey: readonly string[]
}

export interface Column {
  readonly name: string
  /** As SQL: `numeric(12,2)`. */
  readonly type: string
  /** Its value is computed by the database and cannot be written. */
  readonly isGenerated: boolean
  /** `GENERATED ALWAYS AS IDENTITY`: only written with OVERRIDING SYSTEM VALUE. */
  readonly isAlwaysIdentity: boolean
}

export type ForeignKey = {
  readonly name: string
  readonly child: string
  readonly childSql: string
  readonly childColumns: readonly string[]
  readonly parent: string
  readonly parentSql: string
  readonly parentColumns: readonly string[]
}

export interface TableChoice {
  readonly tables?: readonly string[]
  readonly ignore: readonly string[]
}

/** No system table, no table of an extension, no temporary one. */
const IS_USER_TABLE = `
  n.nspname not in ('pg_catalog', 'information_schema')
  and n.nspname !~ '^pg_(toast|temp)' and c.relpersistence = 'p'
  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass
                    and d.objid = c.oid and d.deptype = 'e')`

/** The workload's tables, by name. */
export async function listTables(database: Database, choice: TableChoice): Promise<Table[]> {
  const rows = await database.query(`
    select n.nspname, c.relname,
      (select json_agg(json_build_object(
          'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'isGenerated', a.attgenerated <> '', 'isAlwaysIdentity', a.attidentity = 'a')
          order by a.attnum)
         from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
      (select json_agg(a.attname order by k.position)
         from pg_index i cross join unnest(i.indkey) with ordinality k(attnum, position)
         join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
        where i.indrelid = c.oid and i.indisprimary) as key
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and ${IS_USER_TABLE}
    order by 1, 2`)
  return rows
    .map((row) => ({
      name: `${row.nspname}.${row.relname}`,
      sql: quoteIdentifier(row.nspname!, row.relname!),
      columns: JSON.parse(row.columns ?? '[]') as Column[],
      primaryKey: JSON.parse(row.key ?? '[]') as string[],
    }))
    .filter(({ name }) => isChosen(name, choice))
}

/** Foreign keys between the workload's tables, by name; of a partitioned table, only the parent's. */
export async function listForeignKeys(
  database: Database,
  choice: TableChoice,
): Promise<ForeignKey[]> {
  const rows = await database.query(`
    select o.conname, n.nspname as child_schema, c.relname as child,
      pn.nspname as parent_schema, p.relname as parent,
      (select json_agg(a.attname order by k.position) from unnest(o.conkey) with ordinality k(n, position)
         join pg_attribute a on a.attrelid = c.oid and a.attnum = k.n) as child_columns,
      (select json_agg(a.attname order by k.position) from unnest(o.confkey) with ordinality k(n, position)
         join pg_attribute a on a.attrelid = p.oid and a.attnum = k.n) as parent_columns
    from pg_constraint o
    join pg_class c on c.oid = o.conrelid join pg_namespace n on n.oid = c.relnamespace
    join pg_class p on p.oid = o.confrelid join pg_namespace pn on pn.oid = p.relnamespace
    where o.contype = 'f' and o.conparentid = 0 and ${IS_USER_TABLE}
    order by 2, 3, 1`)
  return rows
    .map((row) => ({
      name: row.conname!,
      child: `${row.child_schema}.${row.child}`,
      childSql: quoteIdentifier(row.child_schema!, row.child!),
      childColumns: JSON.parse(row.child_columns ?? '[]') as string[],
      parent: `${row.parent_schema}.${row.parent}`,
      parentSql: quoteIdentifier(row.parent_schema!, row.parent!),
      parentColumns: JSON.parse(row.parent_columns ?? '[]') as string[],
    }))
    .filter((key) => isChosen(key.child, choice) && isChosen(key.parent, choice))
}

export function isChosen(name: string, { tables, ignore }: TableChoice): boolean {
  return !ignore.includes(name) && (tables === undefined || tables.includes(name))
}

/**
 * Tables so that each comes after those it refers to, as far as that is possible.
 *
 * @returns the order, and the foreign keys that it cannot respect: those of cycles, and of tables that
 *   refer to themselves. Rows of these can only be inserted with the constraint deferred or dropped.
 */
export function foreignKeyOrder<Named extends { readonly name: string }>(
  tables: readonly Named[],
  keys: readonly Pick<ForeignKey, 'name' | 'child' | 'parent'>[],
): { order: Named[]; inCycles: string[] } {
  const waiting = new Map(tables.map((table) => [table.name, table]))
  const order: Named[] = []
  const inCycles = keys.filter((key) => key.child === key.parent).map((key) => key.name)
  const parentsOf = (name: string) =>
    keys.filter((key) => key.child === name && key.parent !== name && waiting.has(key.parent))

  while (waiting.size > 0) {
    const names = [...waiting.keys()]
    const next =
      names.find((name) => parentsOf(name).length === 0) ??
      names.toSorted((a, b) => parentsOf(a).length - parentsOf(b).length)[0]!
    inCycles.push(...parentsOf(next).map((key) => key.name))
    order.push(waiting.get(next)!)
    waiting.delete(next)
  }
  return { order, inCycles }
}
