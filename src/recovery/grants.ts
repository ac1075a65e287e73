import { LifeboatError } from '../core/errors.ts'
import { type Database, quoteIdentifier, sqlStateOf } from '../probe/database.ts'

/** One privilege to write, as the catalog holds it. JSON: a step records it for its undo. */
export type WriteGrant = {
  /** Numbers that a sequence gives out are writes, too: they may go into keys that stand elsewhere. */
  readonly kind: 'TABLE' | 'SEQUENCE'
  /** `schema.name` of the table or sequence, and the same as SQL. */
  readonly table: string
  readonly tableSql: string
  /** Set when only this column is granted. */
  readonly column?: string
  readonly privilege: 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE' | 'USAGE'
  /** A role, or `PUBLIC`. */
  readonly grantee: string
  readonly grantor: string
  readonly isOwner: boolean
  readonly isGrantable: boolean
}

const PRIVILEGES = {
  TABLE: ['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'],
  SEQUENCE: ['USAGE', 'UPDATE'],
} as const
/** A fence must not wait for a replica that is away, as commits do where replication is synchronous. */
const HERE_AT_ONCE = 'SET LOCAL synchronous_commit = local'
const isWrite = (kind: keyof typeof PRIVILEGES) =>
  `g.privilege_type in (${PRIVILEGES[kind].map((name) => `'${name}'`).join(', ')})`
const IS_FENCED = `c.relkind in ('r', 'p', 'f', 'S') and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'`

/** A query for every privilege to write to a table or sequence that is not the system's: of the whole or of single columns. */
const WRITE_GRANTS = `
    select n.nspname, c.relname, c.relkind, g.attname, g.privilege_type, g.is_grantable,
           coalesce(r.rolname, 'PUBLIC') as grantee, o.rolname as grantor, g.grantee = c.relowner as is_owner
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      cross join lateral (
        select null::name as attname, a.* from aclexplode(coalesce(
          c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) a
        union all
        select t.attname, a.* from pg_attribute t, aclexplode(t.attacl) a
         where t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped) g
      left join pg_roles r on r.oid = g.grantee
      join pg_roles o on o.oid = g.grantor
     where ${IS_FENCED} and case c.relkind when 'S' then ${isWrite('SEQUENCE')} else ${isWrite('TABLE')} end
     order by 1, 2, 9 desc, 7, 5, 4`

/** As `WRITE_GRANTS` finds them. */
export async function listWriteGrants(database: Database): Promise<WriteGrant[]> {
  const rows = await database.query(WRITE_GRANTS)
  return rows.map((row) => ({
    kind: row.relkind === 'S' ? 'SEQUENCE' : 'TABLE',
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
    await database.query(HERE_AT_ONCE)
    for (const tableSql of new Set(grants.map((grant) => grant.tableSql))) {
      const ofTable = grants.filter((grant) => grant.tableSql === tableSql)
      const { kind } = ofTable[0]!
      const grantees = [...new Set(ofTable.map((grant) => roleSql(grant.grantee)))]
      try {
        await database.query(
          `REVOKE ${PRIVILEGES[kind].join(', ')} ON ${kind} ${tableSql} FROM ${grantees.join(', ')} CASCADE`,
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
    await database.query(HERE_AT_ONCE)
    for (const grant of grants) {
      const column = grant.column === undefined ? '' : ` (${quoteIdentifier(grant.column)})`
      const option = grant.isGrantable && grant.grantee !== 'PUBLIC' && !grant.isOwner
      await asGrantor(database, grant, () =>
        database.query(
          `GRANT ${grant.privilege}${column} ON ${grant.kind} ${grant.tableSql} TO ${roleSql(grant.grantee)}` +
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

const OF_GRANTS = `
  from (${WRITE_GRANTS}) g,
       lateral (select case g.relkind when 'S' then 'SEQUENCE' else 'TABLE' end as kind,
                       case g.grantee when 'PUBLIC' then 'PUBLIC' else quote_ident(g.grantee) end as role) as k`

/** For `psql -f`: prints what gives every privilege to write back, one statement a line. */
export const PRINT_GRANTS = `select format('GRANT %s%s ON %s %I.%I TO %s%s;', g.privilege_type,
  case when g.attname is not null then format(' (%I)', g.attname) end, k.kind, g.nspname, g.relname, k.role,
  case when g.is_grantable and g.grantee <> 'PUBLIC' and not g.is_owner then ' WITH GRANT OPTION' end)
${OF_GRANTS};
`

/** For `psql -f`: takes every privilege to write away, and ends the sessions whose writes could still commit. */
export const REVOKE_ALL = `begin;
select distinct format('REVOKE %s ON %s %I.%I FROM %s CASCADE',
  case k.kind when 'SEQUENCE' then '${PRIVILEGES.SEQUENCE.join(', ')}' else '${PRIVILEGES.TABLE.join(', ')}' end,
  k.kind, g.nspname, g.relname, k.role)
${OF_GRANTS} \\gexec
commit;
select count(pg_terminate_backend(a.pid)) as ended_sessions
  from pg_stat_activity a join pg_roles r on r.oid = a.usesysid and not r.rolsuper
 where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_type = 'client backend';
`
