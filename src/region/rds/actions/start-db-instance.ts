import type { StartDBInstanceMessage } from '../../protocol/models/rds.ts'
import { instanceShape } from '../instance-shape.ts'
import { startInstance } from '../jobs/start-instance.ts'
import type { Rds } from '../rds.ts'

/**
 * StartDBInstance: after a stop, and when a KMS key that was lost can be used again.
 *
 * Source: Amazon RDS API Reference, StartDBInstance.
 */
export async function startDBInstance(rds: Rds, input: StartDBInstanceMessage) {
  const instance = rds.getInstance(input.DBInstanceIdentifier ?? '')
  const record = await instance.begin('start', {
    prepare: async (before) => {
      rds.keys.check(before.encryption)
      return before
    },
    work: startInstance(rds),
    refused: ({ identifier }) => `Instance ${identifier} is not stopped; it cannot be started.`,
  })
  return { DBInstance: instanceShape(rds, record) }
}
