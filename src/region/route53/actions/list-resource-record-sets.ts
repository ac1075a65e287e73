import type { ListResourceRecordSetsRequest } from '../../protocol/models/route-53.ts'
import { displayName, domainName } from '../names.ts'
import { pageSize } from '../page.ts'
import { recordSetShape } from '../record-set-shape.ts'
import { invalidInput, type Route53 } from '../route53.ts'

const MAX_ITEMS = 300

/**
 * ListResourceRecordSets: by names with the labels reversed, by types and by identifiers, from any of them on.
 *
 * Source: Route 53 API Reference, ListResourceRecordSets.
 */
export async function listResourceRecordSets(
  route53: Route53,
  input: ListResourceRecordSetsRequest,
) {
  const { id } = route53.getZone(input.HostedZoneId)
  const size = pageSize(input.MaxItems, MAX_ITEMS)
  const sets = route53.directory.sets(id, { from: startOf(input), limit: size + 1 })
  const next = sets[size]
  return {
    ResourceRecordSets: sets.slice(0, size).map((set) => recordSetShape(id, set)),
    IsTruncated: next !== undefined,
    ...(next
      ? {
          NextRecordName: displayName(next.name),
          NextRecordType: next.type,
          ...(next.setIdentifier === undefined ? {} : { NextRecordIdentifier: next.setIdentifier }),
        }
      : {}),
    MaxItems: size,
  }
}

function startOf(input: ListResourceRecordSetsRequest) {
  const { StartRecordName, StartRecordType: type, StartRecordIdentifier: id } = input
  if (StartRecordName === undefined) {
    if (type === undefined && id === undefined) return undefined
    throw invalidInput('Invalid parameter : type and identifier require name.')
  }
  if (id !== undefined && type === undefined) {
    throw invalidInput('Invalid parameter : identifier requires type.')
  }
  return { name: domainName(StartRecordName, invalidInput), type, id }
}
