import type { StopDBInstanceMessage } from '../../protocol/models/rds.ts'
import { instanceShape } from '../instance-shape.ts'
import type { Rds } from '../rds.ts'
import { stopInstance } from '../work/stop-instance.ts'

/**
 * StopDBInstance: ends the server. After seven days it is started again, as on AWS: a stop is no fence.
 *
 * Source: Amazon RDS API Reference, StopDBInstance.
 */
export async function stopDBInstance(rds: Rds, input: StopDBInstanceMessage) {
  const instance = rds.getInstance(input.DBInstanceIdentifier ?? '')
  const record = await instance.begin('stop', { work: stopInstance(rds) })
  return { DBInstance: instanceShape(rds, record) }
}
