import { join } from 'node:path'
import type { Database } from '../../../probe/database.ts'
import { putBack } from '../../put-back.ts'
import { findSalvage, type SalvageCounts } from '../../salvage.ts'
import { SalvageFiles, type SalvageSink } from '../../salvage-files.ts'
import { listForeignKeys, listTables } from '../../tables.ts'
import type { Identified } from './identify.ts'
import type { Restored } from './restore.ts'
import { asAdministrator, type DataCorruption, type RecoveryTools } from './tools.ts'

export type Salvaged = SalvageCounts & {
  readonly paths: { readonly salvage: string; readonly conflicts: string; readonly lost: string }
  readonly separator: string
  readonly sha256: string
}

export type PutBack = {
  /** Rows found on the restored database when the old one was compared with it again. */
  readonly rows: number
  readonly byTable: Readonly<Record<string, number>>
  /** Rows that are still only on the old instance. */
  readonly missing: number
}

interface Step {
  readonly execution: string
  readonly signal: AbortSignal
  readonly progress: (message: string) => void
}

/** Writes out the good rows that only the old instance has. Changes nothing. */
export async function salvageRows(
  input: DataCorruption,
  identified: Identified,
  restored: Restored,
  tools: RecoveryTools,
  step: Step,
): Promise<Salvaged> {
  const folder = incidentFolder(input, step.execution)
  const files = await SalvageFiles.create(folder, tools.random.hex(32))
  const counts = await compare(input, identified, restored, tools, { ...step, files })
  const sha256 = await files.close()
  return { ...counts, paths: files.paths, separator: files.separator, sha256 }
}

/**
 * Puts the salvaged rows back in one transaction, and reads back that they are there.
 *
 * @throws LifeboatError `RestoreNotVerified`; nothing was put back then
 */
export async function putRowsBack(
  input: DataCorruption,
  identified: Identified,
  restored: Restored,
  salvaged: Salvaged,
  tools: RecoveryTools,
  step: Step,
): Promise<PutBack> {
  const { workload } = input
  if (salvaged.salvaged > 0) {
    step.progress(`putting ${salvaged.salvaged} rows back`)
    await asAdministrator(tools, workload, restored.endpoint, (database) =>
      putBack({
        database,
        path: salvaged.paths.salvage,
        sha256: salvaged.sha256,
        separator: salvaged.separator,
        checks: workload.checks,
      }),
    )
  }
  step.progress('comparing both instances again')
  const again = { ...step, files: nowhere, onlyGood: true }
  const left = await compare(input, identified, restored, tools, again)
  const missing = (table: string) => {
    const before = salvaged.byTable[table]
    return Math.max(0, (left.byTable[table]?.salvaged ?? 0) - (before?.heldBack ?? 0))
  }
  const byTable = Object.entries(salvaged.byTable).map(
    ([table, counts]) => [table, counts.salvaged - missing(table)] as const,
  )
  const rows = byTable.reduce((sum, [, count]) => sum + count, 0)
  return { rows, byTable: Object.fromEntries(byTable), missing: salvaged.salvaged - rows }
}

/** What putting rows back costs. */
export function costOfPuttingBack({
  byTable,
  salvaged,
  conflicts,
  lost,
  paths,
}: Salvaged): string[] {
  const tables = Object.entries(byTable)
    .filter(([, counts]) => counts.salvaged > 0)
    .map(([table, counts]) => `${counts.salvaged} into ${table}`)
  return [
    salvaged === 0
      ? 'No row has to be put back.'
      : `${salvaged} rows are inserted into the live database in one transaction: ${tables.join(', ')}.`,
    'The checks run inside the transaction; when one fails, nothing is put back.',
    ...(conflicts > 0 ? [`${conflicts} rows differ and are left to you: ${paths.conflicts}`] : []),
    ...(lost > 0 ? [`${lost} rows have no good form left: ${paths.lost}`] : []),
  ]
}

/** Where everything of one execution is written to. */
export function incidentFolder(input: DataCorruption, execution: string): string {
  return join(input.incidentFolder, execution)
}

interface Sought {
  readonly files: SalvageSink
  readonly onlyGood?: boolean
}

const nowhere: SalvageSink = {
  salvage: () => Promise.resolve(),
  conflict: () => Promise.resolve(),
  lost: () => Promise.resolve(),
  endTable: () => Promise.resolve(),
}

function compare(
  { workload }: DataCorruption,
  { source, baseline, suspect }: Identified,
  restored: Restored,
  tools: RecoveryTools,
  { files, onlyGood = false, signal, progress }: Pick<Step, 'signal' | 'progress'> & Sought,
): Promise<SalvageCounts> {
  const search = (old: Database, fresh: Database) =>
    old.transaction('snapshot', async () =>
      findSalvage({
        old,
        restored: fresh,
        tables: await listTables(old, workload),
        foreignKeys: await listForeignKeys(old, workload),
        ...(baseline && { snapshot: baseline.snapshot }),
        suspects: suspect?.transaction.ids ?? [],
        onlyGood,
        files,
        signal,
        onProgress: (table, rows) => progress(`${table}: ${rows} newer rows compared`),
      }),
    )
  return asAdministrator(tools, workload, source.endpoint, (old) =>
    asAdministrator(tools, workload, restored.endpoint, (fresh) => search(old, fresh)),
  )
}
