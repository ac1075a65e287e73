import type { DbInstance } from '../aws/instance.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import { type Database, withDatabase } from '../probe/database.ts'
import type { BackupOrder } from './backups.ts'
import { type CheckResult, runCheck } from './checks.ts'
import { worstState } from './monitor.ts'
import { EXECUTION_TAG, loginTo } from './runbooks/data-corruption/tools.ts'
import { listTables } from './tables.ts'
import type { Workload } from './workload.ts'

const AVAILABLE_WITHIN_MS = 14_400_000
const GONE_WITHIN_MS = 900_000

/** What was read back from a restored copy. */
export type BackupVerification = {
  readonly instance: string
  /** The source's latest restorable time when the restore was asked for; ISO 8601. */
  readonly restoredTo: string | null
  readonly checks: readonly CheckResult[]
  readonly rows: Readonly<Record<string, number>>
}

/**
 * Restores the newest recovery point to a copy, reads it back, and deletes the copy, whatever it found. Consumers
 * notice nothing.
 *
 * @throws LifeboatError `RestoreNotVerified` when a check does not pass on the copy
 */
export async function verifyBackup(
  order: BackupOrder & { random: Random },
): Promise<BackupVerification> {
  const { workload, region, onProgress, signal, random } = order
  const source = await region.rds.getInstance(workload.database.instance)
  const copy = `${source.identifier.slice(0, 40)}-verify-${random.hex(8)}`
  const { instanceClass, parameterGroup, securityGroups, subnetGroup } = source.attributes
  const begun = await region.databaseBackups.restoreToPointInTime({
    source: source.identifier,
    target: copy,
    to: 'latest',
    attributes: {
      ...(instanceClass && { instanceClass }),
      ...(parameterGroup && { parameterGroup }),
      ...(securityGroups && { securityGroups }),
      ...(subnetGroup && { subnetGroup }),
    },
    tags: { 'lifeboat:role': 'verification copy' },
    mark: { key: EXECUTION_TAG, value: copy },
  })
  try {
    const instance = await region.rds.waitUntil(copy, (one) => one?.status === 'available', {
      deadlineMs: AVAILABLE_WITHIN_MS,
      ...(signal && { signal }),
      onPoll: (one) =>
        onProgress?.(`'${copy}' is ${one?.status ?? 'not there yet'}`, one?.percentProgress),
    })
    onProgress?.('reading it back')
    const seen = await readBack(workload, order, instance!)
    refuseUnlessPassed(copy, seen.checks)
    const restoredTo = source.latestRestorableTime?.toISOString() ?? null
    return { instance: source.identifier, restoredTo, ...seen }
  } finally {
    await region.rds.deleteInstance(begun.arn)
    await region.rds.waitUntil(copy, (one) => one === undefined, { deadlineMs: GONE_WITHIN_MS })
  }
}

async function readBack(workload: Workload, { region }: BackupOrder, instance: DbInstance) {
  const login = await loginTo({ region }, workload.database.secret, workload, instance.endpoint)
  return withDatabase(login, { purpose: 'verification' }, (database) =>
    database.transaction('snapshot', async () => ({
      checks: await runChecks(database, workload),
      rows: await countRows(database, workload),
    })),
  )
}

async function runChecks(database: Database, workload: Workload): Promise<CheckResult[]> {
  const results: CheckResult[] = []
  for (const check of workload.checks) results.push(await runCheck(database, check))
  return results
}

async function countRows(database: Database, workload: Workload): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const table of await listTables(database, workload)) {
    const { rows } = await database.one(`select count(*) as rows from ${table.sql}`)
    counts[table.name] = Number(rows)
  }
  return counts
}

function refuseUnlessPassed(copy: string, checks: readonly CheckResult[]): void {
  if (worstState(checks) === 'passed') return
  const [first] = checks.filter((result) => result.state !== 'passed')
  throw new LifeboatError(
    'RestoreNotVerified',
    `check '${first?.check}' does not pass on '${copy}', restored from the newest recovery point: ${first?.reason}`,
    { hint: 'Look whether the live database is damaged too: lifeboat status.' },
  )
}
