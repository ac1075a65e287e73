import type { StopDBInstanceMessage } from '../../protocol/models/rds.ts'
import { checkedIdentifier } from '../checks.ts'
import { instanceShape } from '../instance-shape.ts'
import type { Rds } from '../rds.ts'
import { newSnapshot } from '../work/back-up.ts'
import { stopInstance } from '../work/stop-instance.ts'

/**
 * StopDBInstance: takes a snapshot when one is asked for, and ends the server. After seven days it is started again, as on AWS: a stop is no fence.
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
