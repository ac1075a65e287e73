import type { DeleteDBSnapshotMessage } from '../../protocol/models/rds.ts'
import { RdsFault } from '../faults.ts'
import type { Rds } from '../rds.ts'
import { snapshotShape } from '../snapshot-shape.ts'

/** DeleteDBSnapshot: only manual ones; retention deletes the others. Source: API Reference, DeleteDBSnapshot. */
export async function deleteDBSnapshot(rds: Rds, input: DeleteDBSnapshotMessage) {
  const snapshot = rds.snapshots.get(input.DBSnapshotIdentifier ?? '')
  const { identifier, type, status, resourceId } = snapshot
  if (type === 'automated') {
    throw invalidState(`The snapshot ${identifier} is automated; it is deleted by retention.`)
  }
  // To delete a copy that is being made is how it is cancelled.
  if (snapshot.copyOf && status === 'creating') await rds.copies.cancel(snapshot)
  else if (status !== 'available') {
    throw invalidState(
      `Cannot delete the snapshot because it is not currently in the available state: ${identifier}`,
    )
  }
  if (rds.isInUse(resourceId)) {
    throw invalidState(`Cannot delete the snapshot ${identifier}: an instance is restored from it.`)
  }
  await rds.removeSnapshot(snapshot)
  await rds.events.record(
    { source: 'db-snapshot', identifier, arn: rds.names.arn('snapshot', identifier) },
    'snapshot deleted',
  )
  return { DBSnapshot: { ...snapshotShape(rds, snapshot), Status: 'deleted' } }
}

function invalidState(message: string) {
  return new RdsFault('InvalidDBSnapshotStateFault', message)
}
