import { scramVerifier } from '../../postgres/wire/scram-verifier.ts'
import { type InstanceServer, SUPERUSER } from './instance-server.ts'

/** What `rds_superuser` is a member of, where the major version has it. Source: RDS User Guide, "rds_superuser". */
const SUPERUSER_MEMBERSHIPS = [
  'pg_monitor',
  'pg_signal_backend',
  'pg_checkpoint',
  'pg_read_all_data',
  'pg_create_subscription',
  'pg_use_reserved_connections',
  'pg_maintain',
  'pg_signal_autovacuum_worker',
]

/** The region's own sessions must work whatever the parameter group says. */
const SUPERUSER_SETTINGS: Readonly<Record<string, string>> = {
  statement_timeout: '0',
  lock_timeout: '0',
  idle_session_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read committed',
  // They must not wait for a replica that is away.
  synchronous_commit: 'local',
  log_statement: 'none',
}

/**
 * Sets up the roles and databases of a new instance: a master user that is no superuser but a member of
 * `rds_superuser`, and the database that was asked for, which is its own.
 *
 * Unlike AWS: the master user can only create those extensions that PostgreSQL trusts anybody with.
 */
export async function setUpMasterUser(
  server: InstanceServer,
  {
    username,
    password,
    databaseName,
  }: { username: string; password: string; databaseName?: string | undefined },
): Promise<void> {
  const master = quoted(username)
  const roles = await server.query('select rolname from pg_roles')
  const memberships = SUPERUSER_MEMBERSHIPS.filter((name) =>
    roles.some(({ rolname }) => rolname === name),
  )
  await server.query(
    [
      ...Object.entries(SUPERUSER_SETTINGS).map(
        ([name, value]) => `alter role ${SUPERUSER} set ${name} = '${value}'`,
      ),
      'create role rds_superuser nologin',
      'create role rds_password nologin',
      'create role rds_replication nologin',
      ...memberships.map((name) => `grant ${name} to rds_superuser with admin option`),
      'grant rds_password, rds_replication to rds_superuser with admin option',
      `create role ${master} login createdb createrole valid until 'infinity' ` +
        `password '${await scramVerifier(password)}'`,
      `grant rds_superuser to ${master} with admin option`,
      `alter database postgres owner to ${master}`,
    ].join(';\n'),
  )
  if (databaseName !== undefined && databaseName !== 'postgres') {
    await server.query(`create database ${quoted(databaseName)} owner ${master}`)
  }
}

/** Gives the master user a password, and back what makes it the master user, as AWS does. */
export async function resetMasterUser(
  server: InstanceServer,
  { username, password }: { username: string; password: string },
): Promise<void> {
  const master = quoted(username)
  const isThere = await server.query(
    `select 1 from pg_roles where rolname = '${username.replaceAll("'", "''")}'`,
  )
  const verb = isThere.length > 0 ? 'alter' : 'create'
  await server.query(
    `${verb} role ${master} login createdb createrole valid until 'infinity' ` +
      `password '${await scramVerifier(password)}'; ` +
      `grant rds_superuser to ${master} with admin option`,
  )
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
