import type { DescribePendingMaintenanceActionsMessage } from '../../protocol/models/rds.ts'
import { RdsFault } from '../faults.ts'
import type { Rds } from '../rds.ts'

/**
 * DescribePendingMaintenanceActions: none, ever. Nothing of an embedded region is patched behind anybody's back.
 *
 * Source: Amazon RDS API Reference, DescribePendingMaintenanceActions.
 */
export async function describePendingMaintenanceActions(
  rds: Rds,
  input: DescribePendingMaintenanceActionsMessage,
) {
  const { ResourceIdentifier: arn } = input
  if (arn !== undefined && !(arn.startsWith('arn:') && rds.findInstance(arn))) {
    throw new RdsFault('ResourceNotFoundFault', `Resource not found: ${arn}`)
  }
  return { PendingMaintenanceActions: [] }
}
