import type { CreateDBParameterGroupMessage } from '../../protocol/models/rds.ts'
import { checkedIdentifier } from '../checks.ts'
import { parameterGroupFamily } from '../engine-versions.ts'
import { invalidValue } from '../faults.ts'
import { parameterGroupShape } from '../parameters/parameter-group-shape.ts'
import type { Rds } from '../rds.ts'
import { checkedTags } from '../tags.ts'

/** CreateDBParameterGroup. Source: Amazon RDS API Reference, CreateDBParameterGroup. */
export async function createDBParameterGroup(rds: Rds, input: CreateDBParameterGroupMessage) {
  const name = checkedIdentifier(input.DBParameterGroupName, 'DBParameterGroupName', 255)
  const family = input.DBParameterGroupFamily ?? ''
  const families = rds.versions.all.map(({ major }) => parameterGroupFamily(major))
  if (!families.includes(family)) {
    throw invalidValue(
      `ParameterGroupFamily ${family} is not a valid parameter group family. ` +
        `Families in this region: ${families.join(', ')}`,
    )
  }
  if (!input.Description) {
    throw invalidValue('The parameter Description must be provided and must not be blank.')
  }
  const group = {
    name,
    family,
    description: input.Description,
    values: {},
    tags: checkedTags(input.Tags),
  }
  await rds.parameterGroups.add(group)
  return { DBParameterGroup: parameterGroupShape(rds, group) }
}
