import { assert } from '../../core/assert.ts'
import { type Lsn, parseLsn } from '../../core/lsn.ts'
import type { Connection } from '../wire/connection.ts'

/** A physical replication slot, by which a server keeps WAL for who streams from it. */
export interface ReplicationSlot {
  readonly name: string
  /** Whether somebody streams from it at this moment. */
  readonly isActive: boolean
  /** From where on WAL is kept; undefined when nothing is. */
  readonly keptFrom: Lsn | undefined
  /** How much WAL has been written since there, in bytes. */
  readonly keptBytes: number
  /** Whether the server has given up WAL that was needed: who streamed from it cannot go on. */
  readonly isLost: boolean
}

/** Source: PostgreSQL manual, "pg_replication_slots". */
export async function listSlots(connection: Connection): Promise<ReplicationSlot[]> {
  const rows = await connection.query(
    `select slot_name as name, active, restart_lsn, wal_status,
            coalesce(case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_insert_lsn() end
              - restart_lsn, 0) as kept
       from pg_replication_slots where slot_type = 'physical'`,
  )
  return rows.map((row) => ({
    name: row.name ?? '',
    isActive: row.active === 't',
    keptFrom: row.restart_lsn ? parseLsn(row.restart_lsn) : undefined,
    keptBytes: Math.max(0, Number(row.kept)),
    isLost: row.wal_status === 'lost' || row.restart_lsn === null,
  }))
}

/** Makes a slot that keeps WAL from now on. An existing one of that name stays. */
export async function ensureSlot(connection: Connection, name: string): Promise<void> {
  await connection.query(
    `select pg_create_physical_replication_slot('${checked(name)}', true)
      where not exists (select from pg_replication_slots where slot_name = '${name}')`,
  )
}

/** Ends whoever streams from a slot, and lets the server recycle what it kept. Safe to call again. */
export async function dropSlot(connection: Connection, name: string): Promise<void> {
  await connection.query(
    `select pg_terminate_backend(active_pid, 5000) from pg_replication_slots
       where slot_name = '${checked(name)}' and active;
     select pg_drop_replication_slot(slot_name) from pg_replication_slots
       where slot_name = '${name}' and not active`,
  )
}

/** Source: PostgreSQL manual, "Querying And Manipulating Replication Slots". */
function checked(name: string): string {
  assert(/^[a-z0-9_]{1,63}$/.test(name), 'a slot has lower-case letters, digits and underscores')
  return name
}
