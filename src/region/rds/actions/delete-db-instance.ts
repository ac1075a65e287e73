import type { DeleteDBInstanceMessage } from '../../protocol/models/rds.ts'
import { checkedIdentifier } from '../checks.ts'
import { invalidCombination, invalidInstanceState } from '../faults.ts'
import type { InstanceRecord } from '../instance.ts'
import { instanceShape } from '../instance-shape.ts'
import { deleteInstance } from '../jobs/delete-instance.ts'
import type { Rds } from '../rds.ts'

/**
 * DeleteDBInstance: takes the final snapshot, then deletes the instance and, unless told otherwise, its automated
 * backups. Its read replicas in the same region become instances of their own; those in other regions stay as they are, and
 * follow nobody any more.
 *
 * Source: Amazon RDS API Reference, DeleteDBInstance.
 */
export async function deleteDBInstance(rds: Rds, input: DeleteDBInstanceMessage) {
  const instance = rds.getInstance(input.DBInstanceIdentifier ?? '')
  const finalSnapshot = checkedFinalSnapshot(input)
  const record = await instance.begin('delete', {
    prepare: async (before) => {
      checkNotProtected(before)
      if (finalSnapshot !== undefined) {
        checkNoReplica(before)
        checkCanBeBackedUp(before)
        rds.snapshots.checkFree(finalSnapshot, 'manual')
      }
      return {
        ...before,
        deletion: {
          ...(finalSnapshot === undefined ? {} : { finalSnapshot }),
          keepsAutomatedBackups: input.DeleteAutomatedBackups === false,
        },
      }
    },
    work: deleteInstance(rds),
    refused: ({ identifier, status }) =>
      status === 'deleting'
        ? `Instance ${identifier} is already being deleted.`
        : `Instance ${identifier} is not in available state.`,
  })
  return { DBInstance: instanceShape(rds, record) }
}

function checkCanBeBackedUp({ identifier, status }: InstanceRecord): void {
  if (status === 'available' || status === 'stopped') return
  throw invalidInstanceState(
    `Cannot create a snapshot because the database instance ${identifier} is not currently in the available state.`,
  )
}

/** Source: RDS API Reference, DeleteDBInstance: no final snapshot of a read replica. */
function checkNoReplica({ identifier, replicaOf }: InstanceRecord): void {
  if (!replicaOf) return
  throw invalidCombination(
    `A final snapshot of the read replica ${identifier} cannot be taken. Specify SkipFinalSnapshot.`,
  )
}

function checkNotProtected({ settings }: InstanceRecord): void {
  if (settings.deletionProtection) {
    throw invalidCombination(
      'Cannot delete protected DB Instance, please disable deletion protection and try again.',
    )
  }
}

function checkedFinalSnapshot(input: DeleteDBInstanceMessage): string | undefined {
  const { SkipFinalSnapshot: isSkipped, FinalDBSnapshotIdentifier: identifier } = input
  if (isSkipped) {
    if (identifier === undefined) return undefined
    throw invalidCombination(
      'FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is true.',
    )
  }
  if (identifier === undefined) {
    throw invalidCombination(
      'FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.',
    )
  }
  return checkedIdentifier(identifier, 'FinalDBSnapshotIdentifier', 255)
}
