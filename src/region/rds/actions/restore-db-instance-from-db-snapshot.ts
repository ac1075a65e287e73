import type { RestoreDBInstanceFromDBSnapshotMessage } from '../../protocol/models/rds.ts'
import { RdsFault, snapshotNotFound } from '../faults.ts'
import type { Rds } from '../rds.ts'
import { beginRestore, checkedTarget } from '../restored-instance.ts'

/**
 * RestoreDBInstanceFromDBSnapshot: a new instance with the data of a snapshot, manual or automated.
 *
 * Answers at once with status `creating`; callers poll DescribeDBInstances.
 * Source: Amazon RDS API Reference, RestoreDBInstanceFromDBSnapshot.
 */
export async function restoreDBInstanceFromDBSnapshot(
  rds: Rds,
  input: RestoreDBInstanceFromDBSnapshotMessage,
) {
  const target = checkedTarget(rds, input, input.DBInstanceIdentifier, 'DBInstanceIdentifier')
  const asked = input.DBSnapshotIdentifier ?? ''
  const name = rds.names.nameOf('snapshot', asked)
  if (!name) throw snapshotNotFound(asked)
  const snapshot = rds.snapshots.get(name)
  if (snapshot.status !== 'available') {
    throw new RdsFault(
      'InvalidDBSnapshotStateFault',
      `The snapshot ${snapshot.identifier} is not in the available state.`,
    )
  }
  return await beginRestore(rds, input, {
    identifier: target,
    facts: snapshot.instance,
    origin: { kind: 'snapshot', snapshot: snapshot.resourceId },
  })
}
