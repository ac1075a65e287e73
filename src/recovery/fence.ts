/**
 * Making a database unable to accept writes, and proving it.
 *
 * Privileges are what PostgreSQL checks at every statement of every session, pooled ones included, so
 * they are taken away; sessions are ended, because what they had already written could still commit.
 * `default_transaction_read_only`, a security group or stopping the instance would be no fence.
 */
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { type Database, quoteIdentifier, sqlStateOf } from '../probe/database.ts'
import { listWriteGrants, restoreWrites, revokeWrites, type WriteGrant } from './grants.ts'

export type Fence = {
  /** Everything that was taken away. */
  readonly grants: readonly WriteGrant[]
  readonly endedSessions: number
  readonly proof: FenceProof
}

export type FenceProof = {
  /** Writes that were tried as a role and refused with 42501. */
  readonly refusedWrites: number
  readonly roles: readonly string[]
  /** Roles that could not be assumed: the catalog says that they may not write. */
  readonly byCatalog: readonly string[]
  /** Superusers: no privilege binds them. None of them is the workload's login. */
  readonly unbound: readonly string[]
}

const SESSIONS_END_WITHIN_MS = 20_000

/**
 * Revokes, ends sessions, proves. Safe to call again: `known` is what an earlier attempt found.
 *
 * @param workloadUser  the login that the workload uses
 * @param onTaking      told what is about to be taken away; nothing is when it throws
 * @throws LifeboatError `FenceNotProven`
 */
export async function fence(
  database: Database,
  known: readonly WriteGrant[],
  workloadUser: string,
  clock: Clock,
  onTaking: (grants: readonly WriteGrant[]) => void = () => {},
): Promise<Fence> {
  await refuseSuperuser(database, workloadUser)
  const found = await listWriteGrants(database)
  const grants = mergeGrants(known, found)
  onTaking(grants)
  await revokeWrites(database, found)
  const endedSessions = await endOtherSessions(database, clock)
  const proof = await proveFence(database, grants)
  return { grants, endedSessions, proof }
}

/**
 * Gives those privileges back that are missing, and proves it: what was allowed is allowed again.
 *
 * @throws LifeboatError `FenceNotProven` when a write is still refused
 */
export async function unfence(database: Database, grants: readonly WriteGrant[]): Promise<void> {
  const taken = missingGrants(grants, await listWriteGrants(database))
  if (taken.length === 0) return
  await restoreWrites(database, taken)
  const missing = missingGrants(taken, await listWriteGrants(database))
  const first = missing[0]
  if (first) {
    throw new LifeboatError(
      'FenceNotProven',
      `'${first.grantee}' has not got ${first.privilege} on '${first.table}' back`,
      { hint: `Grant it by hand; ${missing.length} privileges are missing.` },
    )
  }
}

/** One list of everything that either knows; a second attempt finds less than the first. */
export function mergeGrants(
  known: readonly WriteGrant[],
  found: readonly WriteGrant[],
): WriteGrant[] {
  return [...new Map([...known, ...found].map((grant) => [keyOf(grant), grant])).values()]
}

/** Those of `known` that are not there. */
function missingGrants(known: readonly WriteGrant[], present: readonly WriteGrant[]): WriteGrant[] {
  const keys = new Set(present.map(keyOf))
  return known.filter((grant) => !keys.has(keyOf(grant)))
}

const keyOf = (grant: WriteGrant) =>
  JSON.stringify([grant.tableSql, grant.column ?? null, grant.privilege, grant.grantee])

async function refuseSuperuser(database: Database, user: string): Promise<void> {
  const { rolsuper } = await database.one('select rolsuper from pg_roles where rolname = $1', [
    user,
  ])
  if (rolsuper !== 't') return
  throw new LifeboatError(
    'FenceNotProven',
    `the workload logs in as '${user}', a superuser, whom no privilege binds`,
    { hint: 'Stop its processes by hand, or give it a login that is no superuser.' },
  )
}

/**
 * Ends every other session of this database, until none that is older than this call is left.
 *
 * @returns how many were ended
 */
export async function endOtherSessions(database: Database, clock: Clock): Promise<number> {
  const { now } = await database.one('select clock_timestamp()::text as now')
  const deadline = clock.monotonicMs() + SESSIONS_END_WITHIN_MS
  const ended = new Set<string>()
  for (;;) {
    const sessions = await database.query(
      `select a.pid, coalesce(r.rolsuper, true) and not me.rolsuper as is_out_of_reach
         from pg_stat_activity a left join pg_roles r on r.oid = a.usesysid
         join pg_roles me on me.rolname = current_user
        where a.datname = current_database() and a.pid <> pg_backend_pid()
          and coalesce(a.backend_type, 'client backend') = 'client backend'
          and coalesce(a.backend_start, '-infinity') < $1::timestamptz`,
      [now],
    )
    const reachable = sessions.filter((session) => session.is_out_of_reach !== 't')
    if (reachable.length === 0) return ended.size
    for (const { pid } of reachable) {
      await database.query('select pg_terminate_backend($1::int)', [pid])
      ended.add(pid!)
    }
    if (clock.monotonicMs() > deadline) {
      throw new LifeboatError(
        'FenceNotProven',
        `${reachable.length} sessions of '${database.place}' do not end`,
        { hint: 'Look at them in pg_stat_activity, then retry.' },
      )
    }
    await clock.sleep(50)
  }
}

/**
 * Tries to write as every role that could, to every table, and lets the catalog answer for the roles that
 * cannot be assumed. PostgreSQL checks the permission before anything else, so nothing needs to be
 * written: `UPDATE … WHERE false` is refused like every other.
 *
 * @throws LifeboatError `FenceNotProven` naming the first that goes through
 */
export async function proveFence(
  database: Database,
  grants: readonly WriteGrant[],
): Promise<FenceProof> {
  await refuseByCatalog(database)
  // Taking a number from a sequence cannot be tried without taking one: for those the catalog answers.
  const ofTables = grants.filter(({ kind }) => kind === 'TABLE')
  const tables = new Map(ofTables.map((grant) => [grant.table, grant.tableSql]))
  const attempts: WriteAttempts[] = []
  for (const [table, tableSql] of tables) {
    attempts.push({ table, statements: await writesTo(database, tableSql) })
  }
  const roles: string[] = []
  const byCatalog: string[] = []
  let refusedWrites = 0
  for (const role of await writingRoles(database, grants)) {
    const canAct = await database.transaction('discard', async () => {
      if (!(await isAllowed(database, `SET LOCAL ROLE ${quoteIdentifier(role)}`))) return false
      for (const attempt of attempts) refusedWrites += await countRefusals(database, attempt, role)
      return true
    })
    ;(canAct ? roles : byCatalog).push(role)
  }
  const unbound = await database.query('select rolname from pg_roles where rolsuper order by 1')
  return { refusedWrites, roles, byCatalog, unbound: unbound.map((row) => row.rolname!) }
}

interface WriteAttempts {
  readonly table: string
  readonly statements: readonly string[]
}

/** One statement of each kind that writes no row. TRUNCATE has none; the catalog answers for it. */
async function writesTo(database: Database, tableSql: string): Promise<string[]> {
  const [writable] = await database.query(
    `select attname, format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped
        and attgenerated = '' and attidentity <> 'a' limit 1`,
    [tableSql],
  )
  const deletes = `DELETE FROM ${tableSql} WHERE false`
  if (!writable) return [deletes]
  const column = quoteIdentifier(writable.attname!)
  return [
    deletes,
    `UPDATE ${tableSql} SET ${column} = NULL WHERE false`,
    `INSERT INTO ${tableSql} (${column}) SELECT NULL::${writable.type} WHERE false`,
  ]
}

async function countRefusals(
  database: Database,
  { table, statements }: WriteAttempts,
  role: string,
): Promise<number> {
  for (const statement of statements) {
    if (await isAllowed(database, statement)) {
      throw new LifeboatError(
        'FenceNotProven',
        `a write to '${table}' as '${role}' went through, although it had to be refused`,
        { hint: 'Find out from whom the role inherits, and revoke it there.' },
      )
    }
  }
  return statements.length
}

/** Runs a statement in a savepoint that is always rolled back, unless it is a `SET`. */
async function isAllowed(database: Database, sql: string): Promise<boolean> {
  await database.query('SAVEPOINT lifeboat_attempt')
  try {
    await database.query(sql)
    await database.query('RELEASE SAVEPOINT lifeboat_attempt')
    return true
  } catch (error) {
    if (sqlStateOf(error) !== '42501') throw error
    await database.query('ROLLBACK TO SAVEPOINT lifeboat_attempt')
    return false
  }
}

/** Grantees, and everybody who may log in and is bound by privileges at all. */
async function writingRoles(database: Database, grants: readonly WriteGrant[]): Promise<string[]> {
  const grantees = new Set(grants.map((grant) => grant.grantee))
  const rows = await database.query(
    `select rolname, rolcanlogin from pg_roles where not rolsuper and rolname !~ '^pg_' order by 1`,
  )
  return rows
    .filter((row) => row.rolcanlogin === 't' || grantees.has(row.rolname!))
    .map((row) => row.rolname!)
}

/** Whether the catalog lets anybody write, through whatever membership. */
async function refuseByCatalog(database: Database): Promise<void> {
  const [first] = await database.query(`
    select r.rolname, n.nspname || '.' || c.relname as name
      from pg_roles r, pg_class c join pg_namespace n on n.oid = c.relnamespace
     where ${IS_BOUND} and c.relkind in ('r', 'p', 'f', 'S') and c.relpersistence <> 't'
       and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
       and case c.relkind when 'S' then has_sequence_privilege(r.oid, c.oid, 'USAGE, UPDATE')
           else has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
             or has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE') end
     limit 1`)
  if (!first) return
  throw new LifeboatError(
    'FenceNotProven',
    `'${first.rolname}' may still write to '${first.name}'`,
    {
      hint: 'Revoke it by hand (a member of pg_write_all_data keeps its right), then retry.',
    },
  )
}

const IS_BOUND = `not r.rolsuper and (r.rolcanlogin or r.rolname !~ '^pg_')`
