import type { DeleteDBSubnetGroupMessage } from '../../protocol/models/rds.ts'
import { RdsFault } from '../faults.ts'
import type { Rds } from '../rds.ts'

/** DeleteDBSubnetGroup. Source: Amazon RDS API Reference, DeleteDBSubnetGroup. */
export async function deleteDBSubnetGroup(rds: Rds, input: DeleteDBSubnetGroupMessage) {
  const group = rds.subnetGroups.get(input.DBSubnetGroupName ?? '')
  const isUsed = rds.instances().some(({ record }) => record.settings.subnetGroup === group.name)
  if (group.name === 'default' || isUsed) {
    throw new RdsFault(
      'InvalidDBSubnetGroupStateFault',
      `Cannot delete the subnet group '${group.name}' because ` +
        (isUsed ? 'at least one database instance is still using it.' : 'it is the default one.'),
    )
  }
  await rds.subnetGroups.remove(group.name)
  return {}
}
