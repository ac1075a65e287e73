import { LifeboatError } from '../../core/errors.ts'
import { listSlots } from '../../postgres/standby/slots.ts'
import { readProgress } from '../../postgres/standby/standby.ts'
import type { Connection } from '../../postgres/wire/connection.ts'
import { ServerError } from '../../postgres/wire/server-error.ts'
import type { Measurement, MetricSource } from '../metric-source.ts'
import { SUPERUSER } from './instance-server.ts'
import type { LiveInstance } from './live-instance.ts'
import type { Rds } from './rds.ts'
import { REPLICATION_USER } from './replication/source.ts'

const GIB = 2 ** 30

/** Value and unit by the name of a metric. */
type Values = Record<string, readonly [value: number, unit: 'Bytes' | 'Count' | 'Seconds']>

/**
 * Measures the instances whose servers run, in the namespace AWS/RDS; of others there are no values.
 *
 * Source: RDS User Guide, "Amazon CloudWatch instance-level metrics for Amazon RDS".
 */
export class InstanceMetrics implements MetricSource {
  constructor(private readonly rds: Rds) {}

  async sample(): Promise<readonly Measurement[]> {
    const serving = this.rds.instances().filter(({ isServing }) => isServing)
    return (await Promise.all(serving.map((instance) => this.#measure(instance)))).flat()
  }

  /** A server that ends meanwhile must not hide the others. */
  async #measure(instance: LiveInstance): Promise<Measurement[]> {
    const dimensions = { DBInstanceIdentifier: instance.record.identifier }
    try {
      const values = await instance.server.connected(async (connection) => ({
        ...(await countsOf(connection)),
        ...(await storageOf(connection, instance)),
        ...(await slotsOf(connection)),
        ...(await lagOf(connection, instance)),
      }))
      return Object.entries(values).map(
        ([name, [value, unit]]): Measurement => ({
          ...{ namespace: 'AWS/RDS', name, unit, dimensions, value },
        }),
      )
    } catch (error) {
      const isExpected = error instanceof LifeboatError || error instanceof ServerError
      if (!isExpected) this.rds.report(error)
      return []
    }
  }
}

/** Sessions of clients: neither RDS's own nor those of replicas. */
async function countsOf(connection: Connection): Promise<Values> {
  const [row] = await connection.query(
    `select count(*) as sessions from pg_stat_activity
      where backend_type = 'client backend' and usename not in ('${SUPERUSER}', '${REPLICATION_USER}')`,
  )
  return { DatabaseConnections: [Number(row?.sessions), 'Count'] }
}

/** What is left of the storage that was asked for. Unlike AWS: nothing keeps an instance from taking more; then it is 0. */
async function storageOf(connection: Connection, { record }: LiveInstance): Promise<Values> {
  const [row] = await connection.query(
    `select (select coalesce(sum(size), 0) from pg_ls_waldir()) as wal,
            (select coalesce(sum(pg_database_size(oid)), 0) from pg_database) as data`,
  )
  const [wal, data] = [Number(row?.wal), Number(row?.data)]
  const free = record.settings.allocatedStorageGiB * GIB - wal - data
  return {
    TransactionLogsDiskUsage: [wal, 'Bytes'],
    FreeStorageSpace: [Math.max(0, free), 'Bytes'],
  }
}

/** Of a server without slots there is nothing to tell. */
async function slotsOf(connection: Connection): Promise<Values> {
  const slots = await listSlots(connection)
  if (slots.length === 0) return {}
  const [row] = await connection.query(
    `select coalesce(sum(size), 0) as bytes
       from pg_replication_slots, pg_ls_replslotdir(slot_name::text)`,
  )
  return {
    OldestReplicationSlotLag: [Math.max(...slots.map(({ keptBytes }) => keptBytes)), 'Bytes'],
    ReplicationSlotDiskUsage: [Number(row?.bytes), 'Bytes'],
  }
}

/**
 * Since the commit that was replayed last, so that it grows while nothing is written too; -1 once a replica follows nobody.
 *
 * Source: RDS User Guide, "Monitoring and tuning the replication process".
 */
async function lagOf(connection: Connection, { record }: LiveInstance): Promise<Values> {
  if (!record.replicaOf) return {}
  if (record.replicaOf.ended !== undefined) return { ReplicaLag: [-1, 'Seconds'] }
  const since = (await readProgress(connection))?.sinceLastCommitSeconds
  return since === undefined ? {} : { ReplicaLag: [since, 'Seconds'] }
}
