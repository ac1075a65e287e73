import { dropSlot, ensureSlot, listSlots } from '../../../postgres/standby/slots.ts'
import type { Connection } from '../../../postgres/wire/connection.ts'
import { scramVerifier } from '../../../postgres/wire/scram-verifier.ts'
import type { PeerOperation } from '../../peer/peer.ts'
import { type DisclosedFacts, disclose } from '../disclosed-facts.ts'
import { instanceNotFound, invalidInstanceState, RdsFault } from '../faults.ts'
import { factsOf, type InstanceRecord } from '../instance.ts'
import type { LiveInstance } from '../live-instance.ts'
import type { Rds } from '../rds.ts'
import { isAwaited, reconfigure } from '../server-settings.ts'
import { type Replica, slotOf } from './replica.ts'

/** As which a replica streams: a role that can do nothing else. RDS has one of that name. */
export const REPLICATION_USER = 'rdsrepladmin'

/** Source: RDS User Guide, "Working with DB instance read replicas". */
const MAX_REPLICAS = 15

/** What a replica is made from. */
export interface SourceDescription extends DisclosedFacts {
  readonly arn: string
}

/** How a replica reaches its source. */
export interface Admission {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly recoveryMinimums: Readonly<Record<string, number>>
}

/** What the source knows of a replica of its own. */
export interface Observation extends Omit<Admission, 'password'> {
  readonly arn: string
  /** Whether the WAL that the replica needs was given up: it cannot go on. */
  readonly isSlotLost: boolean
  /** WAL that the source keeps for it, in bytes. */
  readonly keptBytes: number
  /** Up to where the source has written, in PostgreSQL's text form. */
  readonly writtenLsn: string
}

/** That a replica follows no more. */
export interface Dismissal {
  readonly source: string
  readonly replica: string
  /** Whether it was promoted while it did not hear of its source, in whose place it is now. */
  readonly hasSucceeded: boolean
}

/** What the same service in another region may ask about instances of this one that have replicas there. */
export function sourceOperations(rds: Rds): Record<string, PeerOperation> {
  return {
    DescribeReplicaSource: async ({ identifier }: { identifier: string }) => ({
      output: describeSource(rds, identifier),
    }),
    AdmitReplica: async (input: { source: string; replica: Replica; isFresh: boolean }) => ({
      output: await admit(rds, input),
    }),
    ObserveReplica: async (input: { source: string; replica: Replica }) => ({
      output: await observe(rds, input),
    }),
    DismissReplica: async ({ source, replica, hasSucceeded }: Dismissal) => {
      const instance = rds.findByResourceId(source)
      if (instance) await dismiss(rds, instance, replica, { hasSucceeded })
      return { output: {} }
    },
    FindReplica: async ({ source, replica }: { source: string; replica: string }) => {
      const record = rds.findByResourceId(replica)?.record
      const follows = record?.replicaOf?.resourceId === source
      const hasLeft = record?.leftSource === source
      return { output: { follows, hasSucceeded: record !== undefined && !follows && !hasLeft } }
    },
  }
}

/** @throws RdsFault `DBInstanceNotFoundFault`, `InvalidDBInstanceStateFault`, `InstanceQuotaExceededFault` */
function describeSource(rds: Rds, identifier: string): SourceDescription {
  const instance = rds.getInstance(identifier)
  const { record } = instance
  checkCanBeSource(record)
  return { arn: rds.names.arn('db', record.identifier), ...disclose(rds, factsOf(record)) }
}

/** Source: RDS User Guide, "Creating a read replica": automated backups must be on. */
function checkCanBeSource({
  identifier,
  status,
  settings,
  replicas = [],
  replicaOf,
}: InstanceRecord) {
  // Unlike AWS: a replica has no replicas of its own, also when it has automated backups.
  if (replicaOf) {
    throw invalidInstanceState(`The DB instance ${identifier} is a read replica itself.`)
  }
  if (settings.backupRetentionDays === 0) {
    throw invalidInstanceState(
      'Automated backups are not enabled for this database instance. To enable automated backups, use ' +
        'ModifyDBInstance to set the backup retention period to a non-zero value.',
    )
  }
  if (!['available', 'backing-up', 'modifying'].includes(status)) {
    throw invalidInstanceState(`The DB instance ${identifier} is not in the available state.`)
  }
  if (replicas.length < MAX_REPLICAS) return
  throw new RdsFault(
    'InstanceQuotaExceededFault',
    `A DB instance has at most ${MAX_REPLICAS} read replicas.`,
  )
}

/**
 * Lets a replica stream: its entry, the role that it logs in as, and the slot that keeps WAL for it. Safe to ask again.
 *
 * @param isFresh  whether the replica is about to take a base backup: no WAL of before is needed, and no commit waits for it yet
 */
async function admit(
  rds: Rds,
  { source, replica, isFresh }: { source: string; replica: Replica; isFresh: boolean },
): Promise<Admission> {
  const instance = servingInstance(rds, source)
  const { sealedReplicationPassword: known } = instance.record
  const sealed = known ?? rds.key.sealPassword(rds.random.hex(32))
  const record = await instance.change((before) => ({
    ...before,
    sealedReplicationPassword: before.sealedReplicationPassword ?? sealed,
    replicas: withReplica(before, { ...replica, isSeeded: !isFresh }),
  }))
  const password = rds.key.password(record.sealedReplicationPassword ?? sealed)
  const slot = slotOf(replica)
  await instance.server.connected(async (connection) => {
    await ensureRole(connection, password)
    if (isFresh) await dropSlot(connection, slot)
    await ensureSlot(connection, slot)
  })
  await reconfigure(rds, instance)
  return { ...placeOf(instance), password }
}

/** Without its password a role that was restored with its instance is of no use. */
async function ensureRole(connection: Connection, password: string): Promise<void> {
  const [role] = await connection.query(
    `select from pg_roles where rolname = '${REPLICATION_USER}'`,
  )
  const verb = role ? 'alter' : 'create'
  await connection.query(
    `set synchronous_commit = local;
     ${verb} role ${REPLICATION_USER} login replication password '${await scramVerifier(password)}'`,
  )
}

/** @throws RdsFault `DBInstanceNotFoundFault` also when the source does not know the replica */
async function observe(
  rds: Rds,
  { source, replica }: { source: string; replica: Replica },
): Promise<Observation> {
  const instance = servingInstance(rds, source)
  const known = instance.record.replicas?.find(isSame(replica.resourceId))
  if (!known) throw instanceNotFound(replica.arn)
  if (known.arn !== replica.arn) {
    const renamed = { ...known, arn: replica.arn }
    await instance.change((before) => ({ ...before, replicas: withReplica(before, renamed) }))
  }
  const [slots, writtenLsn] = await instance.server.connected(async (connection) => {
    const [row] = await connection.query('select pg_current_wal_insert_lsn() as lsn')
    return [await listSlots(connection), row?.lsn ?? ''] as const
  })
  const slot = slots.find(({ name }) => name === slotOf(replica))
  return {
    ...placeOf(instance),
    arn: rds.names.arn('db', instance.record.identifier),
    isSlotLost: slot?.isLost ?? true,
    keptBytes: slot?.keptBytes ?? 0,
    writtenLsn,
  }
}

/** Forgets a replica and lets the server recycle what it kept for it. Safe to call again. */
export async function dismiss(
  rds: Rds,
  instance: LiveInstance,
  resourceId: string,
  { hasSucceeded }: Pick<Dismissal, 'hasSucceeded'>,
): Promise<void> {
  const replica = instance.record.replicas?.find(isSame(resourceId))
  if (!replica) return
  // First nobody waits for it any more, unless it has taken this one's place.
  await instance.change((before) => ({
    ...before,
    replicas: (before.replicas ?? []).filter((one) => one.resourceId !== resourceId),
    ...(hasSucceeded && isAwaited(rds, before, replica) ? { successor: slotOf(replica) } : {}),
  }))
  if (!instance.isServing) return
  await reconfigure(rds, instance)
  await instance.server.connected((connection) => dropSlot(connection, slotOf(replica)))
}

/** Slots of replicas that are not known any more, which a dismissal could not drop because the server did not run. */
export async function dropForgottenSlots({ record, server }: LiveInstance): Promise<void> {
  const wanted = new Set((record.replicas ?? []).map(slotOf))
  await server.connected(async (connection) => {
    for (const { name } of await listSlots(connection)) {
      if (name.startsWith('rds_') && !wanted.has(name)) await dropSlot(connection, name)
    }
  })
}

function servingInstance(rds: Rds, resourceId: string): LiveInstance {
  const instance = rds.findByResourceId(resourceId)
  if (!instance || instance.record.status === 'deleting') throw instanceNotFound(resourceId)
  if (instance.isServing) return instance
  const { identifier } = instance.record
  throw invalidInstanceState(`The DB instance ${identifier} does not run at this moment.`)
}

function placeOf({ record, server }: LiveInstance): Omit<Admission, 'password'> {
  const { port } = server.cluster
  const { recoveryMinimums } = record
  return { host: '127.0.0.1', port, user: REPLICATION_USER, recoveryMinimums }
}

function withReplica({ replicas = [] }: InstanceRecord, replica: Replica): Replica[] {
  return [...replicas.filter((one) => one.resourceId !== replica.resourceId), replica]
}

function isSame(resourceId: string) {
  return (one: Replica) => one.resourceId === resourceId
}
