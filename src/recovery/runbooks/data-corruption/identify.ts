import type { InstanceAttributes } from '../../../aws/instance.ts'
import type { World } from '../../../aws/region-client.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { type Database, placeOf } from '../../../probe/database.ts'
import { type Baseline, isoTime } from '../../baseline.ts'
import { type CheckResult, runCheck } from '../../checks.ts'
import { chooseSuspect, countVanished, findWritesSince, type Suspect } from '../../damage.ts'
import { listWriteGrants, type WriteGrant } from '../../grants.ts'
import type { Findings, RecordedResult } from '../../history.ts'
import { findObjectDamage, type ObjectDamage } from '../../objects/object-damage.ts'
import { chooseRecoveryPoint, type RecoveryPoint } from '../../recovery-point.ts'
import { listTables } from '../../tables.ts'
import { checkNamesOf } from '../../workload.ts'
import {
  asAdministrator,
  type DataCorruption,
  type Endpoint,
  loginTo,
  type RecoveryTools,
} from './tools.ts'

export type Identified = {
  readonly world: World
  readonly source: Source
  readonly lastGoodAt: string | null
  readonly firstBad: RecordedResult | null
  readonly failedChecks: readonly string[]
  /** When the last of the checks of the database had failed: its whole damage is there. Null when none has. */
  readonly damagedBy: string | null
  readonly suspect: Suspect | null
  readonly objectDamage: ObjectDamage
  readonly recoveryPoint: RecoveryPoint
  /** The newest one that is not after the recovery point. */
  readonly baseline: Baseline | null
  readonly usualDeletes: Readonly<Record<string, number>>
  /** Who may write: recorded before anything is taken away. */
  readonly grants: readonly WriteGrant[]
  readonly databaseBytes: number
}

/** The damaged instance, as it was: what the restored one is compared with. */
export type Source = {
  readonly instance: string
  readonly arn: string
  readonly endpoint: Endpoint
  readonly masterUser: string | null
  readonly attributes: InstanceAttributes
  readonly tags: Readonly<Record<string, string>>
}

/**
 * Finds the moment to go back to. It only reads.
 *
 * @throws LifeboatError `RecoveryPointUnknown`, `RecoveryPointUnreachable` naming the restore window
 */
export async function identify(input: DataCorruption, tools: RecoveryTools): Promise<Identified> {
  const { workload } = input
  const { history } = tools
  const source = await describeSource(workload.database.instance, tools)
  const login = await loginTo(tools, workload.database.secret, workload, source.endpoint)
  const place = placeOf(login)
  const findings = await history.findings(workload.name, place, checkNamesOf(workload))
  const { lastGoodAt, firstBad } = findings
  // References are looked at less often: until when the rows were good, the checks of the database say.
  const checks = workload.checks.map(({ name }) => name)
  const { lastGoodAt: rowsGoodAt } = await history.findings(workload.name, place, checks)
  const known = rowsGoodAt ?? lastGoodAt ?? input.to
  const earlier = known && (await history.baselineAtOrBefore(workload.name, place, known))

  const traces = await asAdministrator(tools, workload, source.endpoint, async (database) => {
    const grants = await listWriteGrants(database)
    const { bytes } = await database.one('select pg_database_size(current_database()) as bytes')
    const damagedBy = await databaseDamagedBy(database, input, findings)
    const { buckets } = tools.region
    const objectDamage = await findObjectDamage(database, buckets, workload, lastGoodAt)
    // Objects that are gone are no sign that somebody damaged the database.
    const isDatabaseSuspect = damagedBy !== null || !objectDamage.vanished
    const goodAt = damagedBy ? (rowsGoodAt ?? lastGoodAt) : lastGoodAt
    const bounds = {
      ...(goodAt && { lastGoodAt: goodAt }),
      ...(damagedBy && { firstBadAt: damagedBy }),
    }
    const suspect =
      isDatabaseSuspect && earlier && (await findSuspect(database, earlier, input, bounds))
    const databaseBytes = Number(bytes)
    return { grants, damagedBy, suspect: suspect || null, objectDamage, databaseBytes }
  })
  const recoveryPoint = chooseRecoveryPoint({
    ...(input.to !== undefined && { told: input.to }),
    ...(traces.suspect && { suspect: traces.suspect }),
    ...(traces.objectDamage.vanished &&
      !traces.damagedBy && { vanished: traces.objectDamage.vanished }),
    ...(lastGoodAt && { lastGoodAt }),
    ...(firstBad && { firstBadAt: firstBad.seenAt }),
  })
  await refuseOutsideWindow(source.instance, recoveryPoint, tools)
  const baseline = await history.baselineAtOrBefore(workload.name, place, recoveryPoint.time)
  const { world } = await tools.region.identity()
  return {
    world,
    source,
    lastGoodAt: lastGoodAt ?? null,
    firstBad: firstBad ?? null,
    failedChecks: findings.newest
      .filter((result) => result.state === 'failed')
      .map((result) => result.check),
    ...traces,
    recoveryPoint,
    baseline: baseline ?? null,
    usualDeletes: await history.deletesBetweenBaselines(workload.name, place, recoveryPoint.time),
  }
}

/** When the last of the database's checks had failed, or now if one fails that the monitor has not seen yet. */
async function databaseDamagedBy(
  database: Database,
  { workload }: DataCorruption,
  { firstBads }: Pick<Findings, 'firstBads'>,
): Promise<string | null> {
  return database.transaction('snapshot', async () => {
    const results: CheckResult[] = []
    for (const check of workload.checks) results.push(await runCheck(database, check))
    const { now } = await database.one(`select to_json(clock_timestamp())#>>'{}' as now`)
    const isKnown = (name: string) => firstBads.some(({ check }) => check === name)
    const fresh = results.some(({ check, state }) => state === 'failed' && !isKnown(check))
    if (fresh) return isoTime(now)
    const names = new Set(workload.checks.map(({ name }) => name))
    return firstBads.findLast(({ check }) => names.has(check))?.seenAt ?? null
  })
}

async function describeSource(identifier: string, { region }: RecoveryTools): Promise<Source> {
  const instance = await region.rds.getInstance(identifier)
  if (!instance.endpoint) {
    throw new LifeboatError(
      'DatabaseUnreachable',
      `DB instance '${identifier}' is '${instance.status}' and has no endpoint`,
      { hint: 'Wait until it is available, or start it.' },
    )
  }
  return {
    instance: identifier,
    arn: instance.arn,
    endpoint: instance.endpoint,
    masterUser: instance.masterUser ?? null,
    attributes: instance.attributes,
    tags: instance.tags,
  }
}

async function findSuspect(
  database: Database,
  baseline: Baseline,
  { workload }: DataCorruption,
  bounds: { lastGoodAt?: string; firstBadAt?: string },
): Promise<Suspect | undefined> {
  const tables = await listTables(database, workload)
  return chooseSuspect(await findWritesSince(database, tables, baseline.snapshot), {
    ...bounds,
    mostVanished: await countVanished(database, baseline),
  })
}

async function refuseOutsideWindow(
  instance: string,
  { time }: RecoveryPoint,
  { region }: RecoveryTools,
): Promise<void> {
  const window = await region.databaseBackups.restoreWindow(instance)
  if (window && new Date(time) >= window.earliest) return
  throw new LifeboatError(
    'RecoveryPointUnreachable',
    window
      ? `'${instance}' cannot be restored to ${time}: its restore window begins at ${window.earliest.toISOString()}`
      : `'${instance}' has no automated backup yet, so that it cannot be restored to ${time}`,
    { hint: 'Restore a DB snapshot instead, or name a later moment with --to.' },
  )
}
