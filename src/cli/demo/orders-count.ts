import type { RegionClient } from '../../aws/region-client.ts'
import { assert } from '../../core/assert.ts'
import { withDatabase } from '../../probe/database.ts'
import { countLoss, type LedgerFile } from '../../recovery/loss.ts'
import { type DataLoss, lossAt, type RecoveryReport } from '../../recovery/report.ts'
import { loginTo } from '../../recovery/runbooks/data-corruption/tools.ts'
import { thereOf } from '../../recovery/runbooks/region-failure/bound-loss.ts'
import type { Workload } from '../../recovery/workload.ts'

/** How the customers' ledger is read: one line for each order that the shop acknowledged, with its receipt. */
export function ledgerOf(path: string, { buckets }: Workload): LedgerFile {
  const [receipts] = buckets
  assert(receipts, 'the shop has a bucket for its receipts')
  return {
    path,
    keyField: 'id',
    timeField: 'acknowledgedAt',
    table: 'orders',
    keyColumn: 'id',
    compare: ['total'],
    objects: { bucket: receipts.bucket, keyField: 'receipt', etagField: 'receiptTag' },
  }
}

/**
 * The data loss at the very end, when no more orders come: every order of the ledger is looked up in the
 * database that the secret speaks of, and its receipt in the bucket. The runbook's own count was taken while orders still came.
 */
export async function countOrders(o: {
  workload: Workload
  region: RegionClient
  report: RecoveryReport
}): Promise<DataLoss> {
  const { workload, region, report } = o
  assert(report.ledgerFile, 'the demo counts against a ledger')
  const atHome = ledgerOf(report.ledgerFile, workload)
  const ledger = region.region === workload.region ? atHome : thereOf(atHome, workload)
  const login = await loginTo({ region }, workload.database.secret, workload)
  const count = await withDatabase(login, { purpose: 'loss' }, (database) =>
    countLoss(database, ledger, region.buckets),
  )
  return lossAt(count, report)
}
