import type { CreateDBSnapshotMessage } from '../../protocol/models/rds.ts'
import { checkedIdentifier } from '../checks.ts'
import { unsupported } from '../faults.ts'
import { backUpInstance, newSnapshot } from '../jobs/back-up.ts'
import type { Rds } from '../rds.ts'
import { snapshotShape } from '../snapshot-shape.ts'
import { checkedTags, withTags } from '../tags.ts'

/**
 * CreateDBSnapshot: a backup that outlives its instance and every retention.
 *
 * Answers at once with status `creating`; the instance is `backing-up` meanwhile, and serves.
 * Source: Amazon RDS API Reference, CreateDBSnapshot.
 */
export async function createDBSnapshot(rds: Rds, input: CreateDBSnapshotMessage) {
  const identifier = checkedIdentifier(input.DBSnapshotIdentifier, 'DBSnapshotIdentifier', 255)
  const instance = rds.getInstance(input.DBInstanceIdentifier ?? '')
  const own = checkedTags(input.Tags)
  rds.snapshots.checkFree(identifier, 'manual')
  await instance.begin('back up', {
    prepare: async (record) => {
      // Unlike AWS: a snapshot is taken of the source.
      if (record.replicaOf) throw unsupported('A snapshot of a read replica')
      const { copyTagsToSnapshot } = record.settings
      const tags = copyTagsToSnapshot ? withTags(record.tags, own) : own
      await rds.snapshots.add(newSnapshot(rds, instance, { identifier, type: 'manual', tags }))
      return record
    },
    work: backUpInstance(rds),
    refused: (record) =>
      `Cannot create a snapshot because the database instance ${record.identifier} is not currently in the ` +
      'available state.',
  })
  return { DBSnapshot: snapshotShape(rds, rds.snapshots.get(identifier)) }
}
