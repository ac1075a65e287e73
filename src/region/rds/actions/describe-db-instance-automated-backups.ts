import type { DescribeDBInstanceAutomatedBackupsMessage } from '../../protocol/models/rds.ts'
import {
  type AutomatedBackup,
  automatedBackupShape,
  listAutomatedBackups,
} from '../automated-backup-shape.ts'
import { RdsFault } from '../faults.ts'
import { type FilterTable, passes } from '../filters.ts'
import { pageOf } from '../page.ts'
import type { Rds } from '../rds.ts'

/**
 * DescribeDBInstanceAutomatedBackups: restore windows: of instances that are there, of those whose backups were retained,
 * and of those whose backups are replicated to this region.
 *
 * Source: Amazon RDS API Reference, DescribeDBInstanceAutomatedBackups.
 */
export async function describeDBInstanceAutomatedBackups(
  rds: Rds,
  input: DescribeDBInstanceAutomatedBackupsMessage,
) {
  const { DbiResourceId, DBInstanceIdentifier, DBInstanceAutomatedBackupsArn: arn } = input
  const backupsName = arn && rds.names.nameOf('auto-backup', arn)
  const identifier = DBInstanceIdentifier?.toLowerCase()
  const named = listAutomatedBackups(rds)
    .filter(({ instance }) => !DbiResourceId || instance.resourceId === DbiResourceId)
    .filter(({ instance }) => !identifier || instance.identifier === identifier)
    .filter(({ instance }) => !arn || instance.automatedBackupsName === backupsName)
  const isThere = identifier !== undefined && rds.findInstance(identifier) !== undefined
  if (named.length === 0 && (DbiResourceId || identifier || arn) && !isThere) {
    throw new RdsFault(
      'DBInstanceAutomatedBackupNotFoundFault',
      `There is no automated backup of ${DbiResourceId ?? identifier ?? arn}.`,
    )
  }
  const matching = named.filter(passes(input.Filters, FILTERS))
  const { items, next } = pageOf(matching, input, ({ instance }) => instance.resourceId)
  return {
    DBInstanceAutomatedBackups: items.map((backup) => automatedBackupShape(rds, backup)),
    ...next,
  }
}

const FILTERS: FilterTable<AutomatedBackup> = {
  status: ({ status }) => [status],
  'db-instance-id': ({ instance, arn }) => [instance.identifier, arn],
  'dbi-resource-id': ({ instance }) => [instance.resourceId],
}
