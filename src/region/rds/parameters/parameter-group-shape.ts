import type { DBParameterGroup } from '../../protocol/models/rds.ts'
import type { Rds } from '../rds.ts'
import type { ParameterGroup } from './parameter-groups.ts'

/** A DB parameter group as RDS answers it. */
export function parameterGroupShape(rds: Rds, group: ParameterGroup): DBParameterGroup {
  return {
    DBParameterGroupName: group.name,
    DBParameterGroupFamily: group.family,
    Description: group.description,
    DBParameterGroupArn: rds.names.arn('pg', group.name),
  }
}
