import { LifeboatError } from '../core/errors.ts'
import { type Database, quoteIdentifier, sqlStateOf } from '../probe/database.ts'

/** One privilege to write, as the catalog holds it. JSON: a step records it for its undo. */
export type WriteGrant = {
  /** `schema.table` */
  readonly table: string
  readonly tableSql: string
  /** Set when only this column is granted. */
  readonly column?: string
  readonly privilege: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE'
  /** A role, or `PUBLIC`. */
  readonly grantee: string
  readonly grantor: string
  readonly isOwner: boolean
  readonly isGrantable: boolean
}

const WRITES = `'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'`
const IS_FENCED_TABLE = `c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'`

/** Every privilege to write to a table that is not the system's: of the table or of single columns. */
export async function listWriteGrants(database: Database): Promise<WriteGrant[]> {
  const rows = await database.query(`
    select n.nspname, c.relname, g.attname, g.privilege_type, g.is_grantable,
           coalesce(r.rolname, 'PUBLIC') as grantee, o.rolname as grantor, g.grantee = c.relowner as is_owner
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      cross join lateral (
        select null::name as attname, a.* from aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
        union all
        select t.attname, a.* from pg_attribute t, aclexplode(t.attacl) a
         where t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped) g
      left join pg_roles r on r.oid = g.grantee
      join pg_roles o on o.oid = g.grantor
     where ${IS_FENCED_TABLE} and g.privilege_type in (${WRITES})
     order by 1, 2, 8 desc, 6, 4, 3`)
  return rows.map((row) => ({
    table: `${row.nspname}.${row.relname}`,
    tableSql: quoteIdentifier(row.nspname!, row.relname!),
    ...(row.attname !== null && { column: row.attname! }),
    privilege: row.privilege_type as WriteGrant['privilege'],
    grantee: row.grantee!,
    grantor: row.grantor!,
    isOwner: row.is_owner === 't',
    isGrantable: row.is_grantable === 't',
  }))
}

/**
 * Takes away every privilege in the list, in one transaction. Revoking a table's privilege takes those of
 * its columns too, and CASCADE those that the grantee has passed on.
 *
 * @throws LifeboatError `FenceNotProven` when we may not
 */
export async function revokeWrites(
  database: Database,
  grants: readonly WriteGrant[],
): Promise<void> {
  await database.transaction('write', async () => {
    for (const tableSql of new Set(grants.map((grant) => grant.tableSql))) {
      const ofTable = grants.filter((grant) => grant.tableSql === tableSql)
      const grantees = [...new Set(ofTable.map((grant) => roleSql(grant.grantee)))]
      try {
        await database.query(
          `REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON TABLE ${tableSql} FROM ${grantees.join(', ')} CASCADE`,
        )
      } catch (error) {
        if (sqlStateOf(error) !== '42501') throw error
        throw new LifeboatError('FenceNotProven', `may not revoke privileges on ${tableSql}`, {
          hint: "Name a secret as 'database.admin' whose login owns the tables, or is a member of their owner.",
          cause: error,
        })
      }
    }
  })
}

/** Gives every privilege in the list back, in one transaction. Safe to call again. */
export async function restoreWrites(
  database: Database,
  grants: readonly WriteGrant[],
): Promise<void> {
  await database.transaction('write', async () => {
    for (const grant of grants) {
      const column = grant.column === undefined ? '' : ` (${quoteIdentifier(grant.column)})`
      const option = grant.isGrantable && grant.grantee !== 'PUBLIC' && !grant.isOwner
      await asGrantor(database, grant, () =>
        database.query(
          `GRANT ${grant.privilege}${column} ON TABLE ${grant.tableSql} TO ${roleSql(grant.grantee)}` +
            (option ? ' WITH GRANT OPTION' : ''),
        ),
      )
    }
  })
}

/** What a role passed on comes back from that role where we may act as it, else from the owner. */
async function asGrantor(
  database: Database,
  grant: WriteGrant,
  act: () => Promise<unknown>,
): Promise<void> {
  await database.query('SAVEPOINT lifeboat_grant')
  try {
    await database.query(`SET LOCAL ROLE ${quoteIdentifier(grant.grantor)}`)
    await act()
  } catch (error) {
    if (sqlStateOf(error) !== '42501') throw error
    await database.query('ROLLBACK TO SAVEPOINT lifeboat_grant')
    await act()
  }
  await database.query('SET LOCAL ROLE NONE')
}

function roleSql(role: string): string {
  return role === 'PUBLIC' ? 'PUBLIC' : quoteIdentifier(role)
}
