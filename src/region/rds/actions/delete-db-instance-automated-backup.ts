import type { DeleteDBInstanceAutomatedBackupMessage } from '../../protocol/models/rds.ts'
import { automatedBackupShape, listAutomatedBackups } from '../automated-backup-shape.ts'
import { invalidCombination, RdsFault } from '../faults.ts'
import { removeRetained } from '../jobs/expire-backups.ts'
import type { Rds } from '../rds.ts'

const OF_AN_INSTANCE =
  'The automated backup of an instance that exists is deleted with the instance.'
const REPLICATED = 'The automated backup is being replicated to here: stop its replication first.'
const REFUSALS = {
  retained: 'The automated backup is in use by a restore.',
  active: OF_AN_INSTANCE,
  creating: OF_AN_INSTANCE,
  pending: REPLICATED,
  replicating: REPLICATED,
}

/**
 * DeleteDBInstanceAutomatedBackup: deletes what was retained of an instance that is gone, or of replicated backups.
 *
 * Source: Amazon RDS API Reference, DeleteDBInstanceAutomatedBackup.
 */
export async function deleteDBInstanceAutomatedBackup(
  rds: Rds,
  {
    DbiResourceId: resourceId,
    DBInstanceAutomatedBackupsArn: arn,
  }: DeleteDBInstanceAutomatedBackupMessage,
) {
  if ((resourceId === undefined) === (arn === undefined)) {
    throw invalidCombination(
      'Exactly one of DbiResourceId and DBInstanceAutomatedBackupsArn must be given.',
    )
  }
  const name = arn === undefined ? undefined : rds.names.nameOf('auto-backup', arn)
  const backup = listAutomatedBackups(rds).find(
    ({ instance }) => instance.resourceId === resourceId || instance.automatedBackupsName === name,
  )
  if (!backup) {
    throw new RdsFault(
      'DBInstanceAutomatedBackupNotFoundFault',
      `There is no automated backup of ${resourceId ?? arn}.`,
    )
  }
  const { instance, status } = backup
  if (status !== 'retained' || rds.isInUse(instance.resourceId)) {
    throw new RdsFault('InvalidDBInstanceAutomatedBackupStateFault', REFUSALS[status])
  }
  const shape = { ...automatedBackupShape(rds, backup), Status: 'deleting' }
  await removeRetained(rds, instance.resourceId)
  return { DBInstanceAutomatedBackup: shape }
}
