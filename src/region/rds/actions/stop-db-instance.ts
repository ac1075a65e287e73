import type { StopDBInstanceMessage } from '../../protocol/models/rds.ts'
import { checkedIdentifier } from '../checks.ts'
import { invalidInstanceState } from '../faults.ts'
import type { InstanceRecord } from '../instance.ts'
import { instanceShape } from '../instance-shape.ts'
import { newSnapshot } from '../jobs/back-up.ts'
import { stopInstance } from '../jobs/stop-instance.ts'
import type { Rds } from '../rds.ts'

/**
 * StopDBInstance: takes a snapshot when one is asked for, and ends the server. After seven days it is started again, as on AWS: a stop is no fence.
 * What is or has a read replica cannot be stopped.
 *
 * Source: Amazon RDS API Reference, StopDBInstance.
 */
export async function stopDBInstance(rds: Rds, input: StopDBInstanceMessage) {
  const instance = rds.getInstance(input.DBInstanceIdentifier ?? '')
  const { DBSnapshotIdentifier } = input
  const identifier =
    DBSnapshotIdentifier === undefined
      ? undefined
      : checkedIdentifier(DBSnapshotIdentifier, 'DBSnapshotIdentifier', 255)
  const record = await instance.begin('stop', {
    prepare: async (before) => {
      checkNotReplicated(before)
      if (identifier !== undefined) {
        const tags = before.settings.copyTagsToSnapshot ? before.tags : []
        await rds.snapshots.add(newSnapshot(rds, instance, { identifier, type: 'manual', tags }))
      }
      return before
    },
    work: stopInstance(rds),
  })
  return { DBInstance: instanceShape(rds, record) }
}

function checkNotReplicated({ identifier, replicaOf, replicas = [] }: InstanceRecord): void {
  if (replicaOf) {
    throw invalidInstanceState(`Cannot stop the DB instance ${identifier}: it is a read replica.`)
  }
  if (replicas.length === 0) return
  throw invalidInstanceState(`Cannot stop the DB instance ${identifier}: it has read replicas.`)
}
