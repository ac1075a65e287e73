import type { PromoteReadReplicaMessage } from '../../protocol/models/rds.ts'
import { checkedRetention } from '../checks.ts'
import { invalidInstanceState } from '../faults.ts'
import { instanceShape } from '../instance-shape.ts'
import { PROMOTED_RETENTION_DAYS, promoteReplica } from '../jobs/promote-replica.ts'
import { chooseWindows } from '../preferred-windows.ts'
import type { Rds } from '../rds.ts'

/**
 * PromoteReadReplica: the replica becomes a DB instance of its own. Its identifier and its endpoint stay, and its automated
 * backups begin. There is no way back.
 *
 * Source: Amazon RDS API Reference, PromoteReadReplica.
 */
export async function promoteReadReplica(rds: Rds, input: PromoteReadReplicaMessage) {
  const instance = rds.getInstance(input.DBInstanceIdentifier ?? '')
  const backupRetentionDays = checkedRetention(
    input.BackupRetentionPeriod ?? PROMOTED_RETENTION_DAYS,
  )
  const record = await instance.begin('promote', {
    prepare: async (before) => {
      const { identifier, settings } = before
      if (!before.replicaOf) {
        throw invalidInstanceState(`The DB instance ${identifier} is not a read replica.`)
      }
      const { backupWindow } = chooseWindows(
        {
          backup: input.PreferredBackupWindow ?? settings.backupWindow,
          maintenance: settings.maintenanceWindow,
        },
        rds.random,
      )
      return { ...before, promotion: { backupRetentionDays, backupWindow } }
    },
    work: promoteReplica(rds),
    refused: ({ identifier, status }) =>
      `The read replica ${identifier} cannot be promoted while it is ${status}.`,
  })
  return { DBInstance: instanceShape(rds, record) }
}
