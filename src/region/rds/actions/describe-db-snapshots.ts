import type { DescribeDBSnapshotsMessage } from '../../protocol/models/rds.ts'
import { invalidValue, snapshotNotFound } from '../faults.ts'
import { type FilterTable, passes } from '../filters.ts'
import { pageOf } from '../page.ts'
import type { Rds } from '../rds.ts'
import { snapshotShape } from '../snapshot-shape.ts'
import type { SnapshotRecord } from '../snapshots.ts'

const TYPES = ['automated', 'manual', 'shared', 'public', 'awsbackup']

/**
 * DescribeDBSnapshots: manual and automated ones. None is ever shared, public or made by AWS Backup.
 *
 * Source: Amazon RDS API Reference, DescribeDBSnapshots.
 */
export async function describeDBSnapshots(rds: Rds, input: DescribeDBSnapshotsMessage) {
  const { DBSnapshotIdentifier, DBInstanceIdentifier, DbiResourceId, SnapshotType } = input
  if (SnapshotType !== undefined && !TYPES.includes(SnapshotType)) {
    throw invalidValue(`Invalid snapshot type: ${SnapshotType}`)
  }
  const passesAll = passes(input.Filters, filtersOf(rds))
  const snapshots = DBSnapshotIdentifier ? [named(rds, DBSnapshotIdentifier)] : rds.snapshots.list()
  const instance =
    DBInstanceIdentifier && rds.names.nameOf('db', DBInstanceIdentifier)?.toLowerCase()
  const matching = snapshots
    .filter((one) => SnapshotType === undefined || one.type === SnapshotType)
    .filter((one) => !DBInstanceIdentifier || one.instance.identifier === instance)
    .filter((one) => !DbiResourceId || one.instance.resourceId === DbiResourceId)
    .filter(passesAll)
  const { items, next } = pageOf(matching, input, ({ identifier }) => identifier)
  return { DBSnapshots: items.map((snapshot) => snapshotShape(rds, snapshot)), ...next }
}

function named(rds: Rds, identifier: string): SnapshotRecord {
  const name = rds.names.nameOf('snapshot', identifier)
  if (name === undefined) throw snapshotNotFound(identifier)
  return rds.snapshots.get(name)
}

function filtersOf(rds: Rds): FilterTable<SnapshotRecord> {
  return {
    'db-instance-id': ({ instance }) => [
      instance.identifier,
      rds.names.arn('db', instance.identifier),
    ],
    'db-snapshot-id': ({ identifier }) => [identifier],
    'dbi-resource-id': ({ instance }) => [instance.resourceId],
    'snapshot-type': ({ type }) => [type],
    engine: () => ['postgres'],
  }
}
