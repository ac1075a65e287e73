import type { DeleteDBParameterGroupMessage } from '../../protocol/models/rds.ts'
import { RdsFault } from '../faults.ts'
import type { Rds } from '../rds.ts'

/** DeleteDBParameterGroup. Source: Amazon RDS API Reference, DeleteDBParameterGroup. */
export async function deleteDBParameterGroup(rds: Rds, input: DeleteDBParameterGroupMessage) {
  const group = rds.parameterGroups.get(input.DBParameterGroupName ?? '')
  rds.parameterGroups.checkModifiable(group)
  if (rds.instances().some(({ record }) => record.settings.parameterGroup === group.name)) {
    throw new RdsFault(
      'InvalidDBParameterGroupStateFault',
      'One or more database instances are still members of this parameter group ' +
        `${group.name}, so the group cannot be deleted`,
    )
  }
  await rds.parameterGroups.remove(group.name)
  return {}
}
