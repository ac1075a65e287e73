import type { DescribeDBInstancesMessage } from '../../protocol/models/rds.ts'
import { instanceNotFound } from '../faults.ts'
import { type FilterTable, passes } from '../filters.ts'
import type { InstanceRecord } from '../instance.ts'
import { instanceShape } from '../instance-shape.ts'
import { pageOf } from '../page.ts'
import type { Rds } from '../rds.ts'

/**
 * DescribeDBInstances: one instance by identifier or ARN, or all that pass the filters.
 *
 * An identifier that is not there is refused; a filter that nothing passes is an empty list.
 * Source: Amazon RDS API Reference, DescribeDBInstances.
 */
export async function describeDBInstances(rds: Rds, input: DescribeDBInstancesMessage) {
  const passesAll = passes(input.Filters, filtersOf(rds))
  const { DBInstanceIdentifier: identifier } = input
  const named = identifier ? rds.findInstance(identifier) : undefined
  if (identifier && !named) throw instanceNotFound(identifier)

  const records = (named ? [named] : rds.instances()).map(({ record }) => record).filter(passesAll)
  const { items, next } = pageOf(records, input, (record) => record.identifier)
  return { DBInstances: items.map((record) => instanceShape(rds, record)), ...next }
}

function filtersOf(rds: Rds): FilterTable<InstanceRecord> {
  return {
    'db-instance-id': ({ identifier }) => [identifier, rds.names.arn('db', identifier)],
    'dbi-resource-id': ({ resourceId }) => [resourceId],
    engine: () => ['postgres'],
    'db-cluster-id': () => [],
    domain: () => [],
  }
}
