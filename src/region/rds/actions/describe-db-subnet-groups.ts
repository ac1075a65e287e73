import type { DescribeDBSubnetGroupsMessage } from '../../protocol/models/rds.ts'
import { passes } from '../filters.ts'
import { pageOf } from '../page.ts'
import type { Rds } from '../rds.ts'

/** DescribeDBSubnetGroups. Source: Amazon RDS API Reference, DescribeDBSubnetGroups. */
export async function describeDBSubnetGroups(rds: Rds, input: DescribeDBSubnetGroupsMessage) {
  passes(input.Filters, {})
  const { DBSubnetGroupName: name } = input
  const groups = name ? [rds.subnetGroups.get(name)] : rds.subnetGroups.list()
  const { items, next } = pageOf(groups, input, (group) => group.name)
  return { DBSubnetGroups: items.map((group) => rds.subnetGroups.shapeOf(group)), ...next }
}
