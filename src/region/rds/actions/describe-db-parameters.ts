import type { DescribeDBParametersMessage, Parameter } from '../../protocol/models/rds.ts'
import { invalidValue } from '../faults.ts'
import { passes } from '../filters.ts'
import { pageOf } from '../page.ts'
import { type ParameterDefinition, parametersOf } from '../parameters/catalog.ts'
import type { ParameterGroup } from '../parameters/parameter-groups.ts'
import { allowedValues } from '../parameters/parameter-values.ts'
import type { Rds } from '../rds.ts'

/**
 * DescribeDBParameters: every parameter that the group may set, with the value it has been given.
 *
 * Source: Amazon RDS API Reference, DescribeDBParameters.
 */
export async function describeDBParameters(rds: Rds, input: DescribeDBParametersMessage) {
  const group = rds.parameterGroups.get(input.DBParameterGroupName ?? '')
  if (!['user', 'system', 'engine-default', undefined].includes(input.Source)) {
    throw invalidValue(`Invalid parameter source: ${input.Source}`)
  }
  const major = Number(group.family.slice('postgres'.length))
  const parameters = [...parametersOf(major).values()]
    .map((definition) => shapeOf(group, definition))
    .filter(({ Source }) => input.Source === undefined || Source === input.Source)
    .filter(
      passes<Parameter>(input.Filters, {
        'parameter-name': ({ ParameterName = '' }) => [ParameterName],
      }),
    )
  const { items, next } = pageOf(parameters, input, ({ ParameterName = '' }) => ParameterName)
  return { Parameters: items, ...next }
}

function shapeOf({ values }: ParameterGroup, definition: ParameterDefinition): Parameter {
  const setting = values[definition.name]
  return {
    ParameterName: definition.name,
    ParameterValue: setting?.value,
    Description: definition.description,
    Source: setting ? 'user' : 'engine-default',
    ApplyType: definition.applyType,
    DataType: definition.dataType,
    AllowedValues: allowedValues(definition),
    IsModifiable: true,
    ApplyMethod: setting?.applyMethod ?? 'pending-reboot',
  }
}
