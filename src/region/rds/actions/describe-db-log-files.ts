import type { DescribeDBLogFilesMessage } from '../../protocol/models/rds.ts'
import { passes } from '../filters.ts'
import { LOG_FILE, logStatus } from '../instance-log.ts'
import { pageOf } from '../page.ts'
import type { Rds } from '../rds.ts'

/** DescribeDBLogFiles. Source: Amazon RDS API Reference, DescribeDBLogFiles. */
export async function describeDBLogFiles(rds: Rds, input: DescribeDBLogFilesMessage) {
  passes(input.Filters, {})
  const instance = rds.getInstance(input.DBInstanceIdentifier ?? '')
  const { sizeBytes, writtenAt } = await logStatus(rds, instance)
  const files = [{ LogFileName: LOG_FILE, LastWritten: writtenAt.getTime(), Size: sizeBytes }]
    .filter(({ LogFileName }) => LogFileName.includes(input.FilenameContains ?? ''))
    .filter(({ LastWritten }) => LastWritten >= (input.FileLastWritten ?? 0))
    .filter(({ Size }) => Size >= (input.FileSize ?? 0))
  const { items, next } = pageOf(files, input, ({ LogFileName }) => LogFileName)
  return { DescribeDBLogFiles: items, ...next }
}
