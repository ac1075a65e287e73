import type { CreateDBSubnetGroupMessage } from '../../protocol/models/rds.ts'
import { checkedIdentifier } from '../checks.ts'
import { invalidValue, RdsFault } from '../faults.ts'
import type { Rds } from '../rds.ts'
import { checkedTags } from '../tags.ts'

/** CreateDBSubnetGroup. Source: Amazon RDS API Reference, CreateDBSubnetGroup. */
export async function createDBSubnetGroup(rds: Rds, input: CreateDBSubnetGroupMessage) {
  const name = checkedIdentifier(input.DBSubnetGroupName, 'DBSubnetGroupName', 255)
  if (!input.DBSubnetGroupDescription) {
    throw invalidValue(
      'The parameter DBSubnetGroupDescription must be provided and must not be blank.',
    )
  }
  const group = {
    name,
    description: input.DBSubnetGroupDescription,
    subnetIds: checkedSubnets(input.SubnetIds),
    tags: checkedTags(input.Tags),
  }
  await rds.subnetGroups.add(group)
  return { DBSubnetGroup: rds.subnetGroups.shapeOf(group) }
}

function checkedSubnets(ids: readonly string[] = []): string[] {
  const distinct = [...new Set(ids)]
  const bad = distinct.find((id) => !/^subnet-[0-9a-f]{8,17}$/.test(id))
  if (bad !== undefined) throw new RdsFault('InvalidSubnet', `The subnet ID '${bad}' is invalid.`)
  if (distinct.length >= 2) return distinct
  throw new RdsFault(
    'DBSubnetGroupDoesNotCoverEnoughAZs',
    "DB Subnet Group doesn't meet availability zone coverage requirement. Please add subnets to cover at least 2 " +
      'availability zones.',
  )
}
