import type { DescribeDBParameterGroupsMessage } from '../../protocol/models/rds.ts'
import { passes } from '../filters.ts'
import { pageOf } from '../page.ts'
import { parameterGroupShape } from '../parameters/parameter-group-shape.ts'
import type { Rds } from '../rds.ts'

/** DescribeDBParameterGroups. Source: Amazon RDS API Reference, DescribeDBParameterGroups. */
export async function describeDBParameterGroups(rds: Rds, input: DescribeDBParameterGroupsMessage) {
  passes(input.Filters, {})
  const { DBParameterGroupName: name } = input
  const groups = name ? [rds.parameterGroups.get(name)] : rds.parameterGroups.list()
  const { items, next } = pageOf(groups, input, (group) => group.name)
  return { DBParameterGroups: items.map((group) => parameterGroupShape(rds, group)), ...next }
}
