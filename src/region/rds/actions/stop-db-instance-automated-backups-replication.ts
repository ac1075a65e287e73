import type { StopDBInstanceAutomatedBackupsReplicationMessage } from '../../protocol/models/rds.ts'
import { automatedBackupShape, replicatedBackup } from '../automated-backup-shape.ts'
import { instanceNotFound, invalidInstanceState } from '../faults.ts'
import type { Rds } from '../rds.ts'

/**
 * StopDBInstanceAutomatedBackupsReplication, in the region that they are replicated to. What is there stays until its retention
 * ends.
 *
 * Source: Amazon RDS API Reference, StopDBInstanceAutomatedBackupsReplication.
 */
export async function stopDBInstanceAutomatedBackupsReplication(
  rds: Rds,
  { SourceDBInstanceArn: arn = '' }: StopDBInstanceAutomatedBackupsReplicationMessage,
) {
  const found = rds.replicated.list().filter(({ sourceArn }) => sourceArn === arn.toLowerCase())
  const replicated = found.find(({ ended }) => !ended)
  if (found.length === 0) throw instanceNotFound(arn)
  if (!replicated) {
    throw invalidInstanceState(`The automated backups of ${arn} are not replicated any more.`)
  }
  await rds.backupReplication.stop(replicated.instance.resourceId)
  const stopped = rds.replicated.find(replicated.instance.resourceId) ?? replicated
  return { DBInstanceAutomatedBackup: automatedBackupShape(rds, replicatedBackup(rds, stopped)) }
}
