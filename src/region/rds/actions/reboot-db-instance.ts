import type { RebootDBInstanceMessage } from '../../protocol/models/rds.ts'
import { instanceShape } from '../instance-shape.ts'
import { rebootInstance } from '../jobs/start-instance.ts'
import type { Rds } from '../rds.ts'
import { refuseUnsupported } from '../unsupported.ts'

/**
 * RebootDBInstance: restarts the server, which then has all parameters of its group.
 *
 * Source: Amazon RDS API Reference, RebootDBInstance.
 */
export async function rebootDBInstance(rds: Rds, input: RebootDBInstanceMessage) {
  const instance = rds.getInstance(input.DBInstanceIdentifier ?? '')
  refuseUnsupported(input)
  const record = await instance.begin('reboot', { work: rebootInstance(rds) })
  return { DBInstance: instanceShape(rds, record) }
}
