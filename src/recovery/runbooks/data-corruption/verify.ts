import { LifeboatError } from '../../../core/errors.ts'
import type { Database } from '../../../probe/database.ts'
import { readStatistics } from '../../baseline.ts'
import { type CheckResult, runCheck } from '../../checks.ts'
import { countOrphans } from '../../foreign-keys.ts'
import {
  countAfterDeletingAll,
  makeCheckFail,
  orphansAfterDeletingParents,
} from '../../negative-control.ts'
import { compareCounts, isWithin, type RowCount } from '../../row-counts.ts'
import { type ForeignKey, listForeignKeys, listTables } from '../../tables.ts'
import type { Workload } from '../../workload.ts'
import type { Identified } from './identify.ts'
import type { Restored } from './restore.ts'
import { asAdministrator, type DataCorruption, type RecoveryTools } from './tools.ts'

export type Verified = {
  readonly checks: readonly CheckResult[]
  readonly rowCounts: readonly RowCount[]
  /** Tables whose statistics were reset, so that nothing can be said about their rows. */
  readonly uncounted: readonly string[]
  readonly orphans: Readonly<Record<string, number>>
  readonly control: ControlResult
}

/** What the damaged copy showed about the checks themselves (I8). */
export type ControlResult = {
  /** Checks that fail on the damaged copy as it is. */
  readonly failedAsTheyMust: readonly string[]
  /** Other checks, and the damage that made each fail. */
  readonly madeToFail: Readonly<Record<string, string>>
  /** Tables whose count is out of its interval when they are empty. */
  readonly countsThatCanFail: readonly string[]
  /** Tables that are, or may be, empty: an empty one would pass too. */
  readonly countsThatCannotFail: readonly string[]
  readonly foreignKeysThatCanFail: readonly string[]
  /** Nothing refers to anything: no orphan can exist. */
  readonly foreignKeysWithoutRows: readonly string[]
}

/** @throws LifeboatError `RestoreNotVerified`, `CheckCannotFail` */
export async function verify(
  { workload }: DataCorruption,
  identified: Identified,
  restored: Restored,
  control: Restored,
  tools: RecoveryTools,
  progress: (message: string) => void,
): Promise<Verified> {
  const since = await asAdministrator(tools, workload, identified.source.endpoint, readStatistics)
  progress('checks, row counts and foreign keys on the restored database')
  const found = await asAdministrator(tools, workload, restored.endpoint, (database) =>
    inspect(database, workload),
  )
  const counts = compareWithBaseline(identified, found.counts, since)
  refuseDifferences(identified, found, counts.compared, restored.instance)

  progress('the same on the damaged copy, where they must fail')
  const shown = await asAdministrator(tools, workload, control.endpoint, (database) =>
    challenge(database, workload, identified.failedChecks, counts.compared),
  )
  return {
    checks: found.checks,
    rowCounts: counts.compared,
    uncounted: counts.unknown,
    orphans: found.orphans,
    control: shown,
  }
}

interface Inspection {
  readonly checks: readonly CheckResult[]
  readonly counts: Readonly<Record<string, number>>
  readonly orphans: Readonly<Record<string, number>>
  readonly foreignKeys: readonly ForeignKey[]
}

/** Everything on one snapshot, so that it belongs together. */
function inspect(database: Database, workload: Workload): Promise<Inspection> {
  return database.transaction('snapshot', async () => {
    const checks: CheckResult[] = []
    for (const check of workload.checks) checks.push(await runCheck(database, check))
    await database.query("SET LOCAL statement_timeout = '1h'")

    const counts: Record<string, number> = {}
    for (const table of await listTables(database, workload)) {
      const { rows } = await database.one(`select count(*) as rows from ${table.sql}`)
      counts[table.name] = Number(rows)
    }
    const orphans: Record<string, number> = {}
    const foreignKeys = await listForeignKeys(database, workload)
    for (const key of foreignKeys) orphans[labelOf(key)] = await countOrphans(database, key)
    return { checks, counts, orphans, foreignKeys }
  })
}

function compareWithBaseline(
  { baseline, usualDeletes }: Identified,
  counts: Readonly<Record<string, number>>,
  since: Awaited<ReturnType<typeof readStatistics>>,
) {
  if (!baseline) {
    throw new LifeboatError(
      'RestoreNotVerified',
      'there is no baseline at or before the recovery point, so that row counts cannot be compared',
      { hint: 'Look at the restored database yourself, then skip this step with a reason.' },
    )
  }
  return compareCounts({ counts, baseline, since, usualDeletes })
}

function refuseDifferences(
  { baseline }: Identified,
  found: Inspection,
  counts: readonly RowCount[],
  instance: string,
): void {
  const names = new Set(found.foreignKeys.map(labelOf))
  const faults = [
    ...found.checks
      .filter((result) => result.state !== 'passed')
      .map((result) => `'${result.check}' is ${result.state} (${result.reason})`),
    ...counts
      .filter((count) => !count.isWithin)
      .map((one) =>
        one.rows < 0
          ? `table ${one.table} is missing`
          : `${one.table} has ${one.rows} rows, not ${one.least} to ${one.most}`,
      ),
    ...Object.entries(found.orphans)
      .filter(([, orphans]) => orphans > 0)
      .map(([key, orphans]) => `${orphans} rows break ${key}`),
    ...(baseline?.foreignKeys ?? [])
      .filter((key) => !names.has(labelOf(key)))
      .map((key) => `${labelOf(key)} is missing`),
  ]
  if (faults.length === 0) return
  throw new LifeboatError('RestoreNotVerified', `'${instance}': ${faults.join('; ')}`, {
    hint: 'Cancel, and start again with an earlier recovery point: --to TIME.',
  })
}

/** @throws LifeboatError `CheckCannotFail` */
async function challenge(
  database: Database,
  workload: Workload,
  failedChecks: readonly string[],
  counts: readonly RowCount[],
): Promise<ControlResult> {
  const tables = await listTables(database, workload)
  const failedAsTheyMust: string[] = []
  const madeToFail: Record<string, string> = {}
  for (const check of workload.checks) {
    const result = await database.transaction('discard', () => runCheck(database, check))
    if (result.state === 'failed') {
      failedAsTheyMust.push(check.name)
      continue
    }
    if (failedChecks.includes(check.name)) throw passesOnDamage(check.name)
    const damage = await makeCheckFail(database, check, tables)
    if (damage === undefined) throw cannotFail(check.name)
    madeToFail[check.name] = damage
  }

  const countsThatCanFail: string[] = []
  const countsThatCannotFail: string[] = []
  for (const count of counts) {
    const table = tables.find(({ name }) => name === count.table)
    const rows = table ? await countAfterDeletingAll(database, table) : 0
    ;(isWithin(rows, count) ? countsThatCannotFail : countsThatCanFail).push(count.table)
  }
  const foreignKeys = await challengeForeignKeys(database, workload)
  return { failedAsTheyMust, madeToFail, countsThatCanFail, countsThatCannotFail, ...foreignKeys }
}

async function challengeForeignKeys(database: Database, workload: Workload) {
  const foreignKeysThatCanFail: string[] = []
  const foreignKeysWithoutRows: string[] = []
  for (const key of await listForeignKeys(database, workload)) {
    const orphans = await orphansAfterDeletingParents(database, key)
    if (orphans === 0) throw cannotFail(labelOf(key))
    ;(orphans === undefined ? foreignKeysWithoutRows : foreignKeysThatCanFail).push(labelOf(key))
  }
  return { foreignKeysThatCanFail, foreignKeysWithoutRows }
}

function passesOnDamage(check: string): LifeboatError {
  return new LifeboatError(
    'CheckCannotFail',
    `'${check}' failed on the damaged database and passes on its damaged copy`,
    { hint: 'Find out why before you trust it; the control copy is kept until this is settled.' },
  )
}

function cannotFail(check: string): LifeboatError {
  return new LifeboatError(
    'CheckCannotFail',
    `nothing that was damaged on purpose makes '${check}' fail`,
    {
      hint: 'Write a check that can fail, or skip this step with a reason: the recovery is unproven then.',
    },
  )
}

const labelOf = (key: ForeignKey) => `${key.child}.${key.name}`
