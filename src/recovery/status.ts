import type { World } from '../aws/region-client.ts'
import { formatDuration } from '../core/duration.ts'
import { LifeboatError } from '../core/errors.ts'
import { placeOf } from '../probe/database.ts'
import { type BundleStatus, bundleStatusOf } from './break-glass/exported.ts'
import type { CheckResult, CheckState } from './checks.ts'
import { type NameStatus, nameFindings, nameStatusOf } from './dns-gate.ts'
import { readPublicRecords } from './failover-records.ts'
import { History } from './history.ts'
import { Monitor, worstState } from './monitor.ts'
import { type PairStatus, pairStatusOf } from './objects/pair-status.ts'
import type { Surroundings } from './recovery.ts'
import type { RecoveryReport } from './report.ts'
import { planOf } from './runbooks/all.ts'
import { loginTo } from './runbooks/data-corruption/tools.ts'
import { regionFailure } from './runbooks/region-failure.ts'
import type { Away, Whereabouts } from './whereabouts.ts'
import { checkNamesOf, replicatedOf, type Workload } from './workload.ts'

/** met, missed, or never measured, which is not green. */
export type ObjectiveState = 'met' | 'missed' | 'unknown'

export type WorkloadStatus = {
  readonly workload: string
  readonly world: World | 'unknown'
  /** Of the checks. */
  readonly state: CheckState
  readonly checks: readonly CheckResult[]
  readonly lastGoodAt: string | null
  readonly firstBadAt: string | null
  readonly instance: {
    readonly identifier: string
    readonly status: string
    readonly endpoint: string | null
    readonly engineVersion: string | null
    readonly restoreWindow: { readonly earliest: string; readonly latest: string } | null
    /** How much would be lost if the instance were lost now. */
    readonly restorableLagSeconds: number | null
  } | null
  /** Those that are replicated. */
  readonly buckets: readonly PairStatus[]
  /** Where a failover has brought it; null: it is at home. All else is told of where it is. */
  readonly away: Away | null
  /** Null: it has none, is away, or Route 53 could not be asked. */
  readonly publicName: NameStatus | null
  /** For the loss of its region; null when none was exported from here. */
  readonly breakGlass: BundleStatus | null
  readonly objectives: {
    readonly rto: Objective
    readonly rpo: Objective
  }
  /** What is wrong or not known, in sentences; empty when all is well. */
  readonly findings: readonly string[]
}

export type Objective = {
  readonly objectiveSeconds: number
  readonly measuredSeconds: number | null
  readonly state: ObjectiveState
}

/**
 * Looks at a workload: runs each check once, describes its instance, compares buckets with their replicas and objectives
 * with what was measured.
 *
 * Never throws for a workload that is in trouble: what cannot be reached is unknown.
 *
 * @param home  the workload as its file has it
 * @param around.region  the workload's, where it is
 * @param o.last  the newest recovery of this workload in this world, if there was one
 * @param o.onProgress  called with what is being looked at, and how much of it was
 */
export async function statusOf(
  home: Workload,
  { workload, away }: Whereabouts,
  around: Pick<Surroundings, 'region' | 'reach' | 'database' | 'clock'>,
  o: { last?: RecoveryReport | undefined; onProgress?: (what: string) => void } = {},
): Promise<WorkloadStatus> {
  const { last, onProgress } = o
  const findings: string[] = away ? awayFindings(home, away) : []
  const world = await known(findings, async () => (await around.region.identity()).world)
  const instance = world && (await known(findings, () => describe(workload, around)))
  if (instance) findings.push(...posture(workload, instance))
  const [health, buckets, name, breakGlass] = await Promise.all([
    known(findings, () => runChecks(workload, around)),
    lookAtBuckets(workload, around, onProgress),
    away ? undefined : known(findings, () => lookAtName(workload, around)),
    known(findings, () => lookAtBundle(home, around)),
  ])
  if (name) findings.push(...nameFindings(name))
  if (breakGlass) findings.push(...bundleFindings(breakGlass))
  findings.push(...buckets.flatMap((pair) => pair.findings))
  const checks = health?.checks ?? []
  return {
    workload: workload.name,
    world: world ?? 'unknown',
    state: worstState(checks),
    checks,
    lastGoodAt: health?.lastGoodAt ?? null,
    firstBadAt: health?.firstBadAt ?? null,
    instance: instance ? instance.shown : null,
    buckets,
    away,
    publicName: name ?? null,
    breakGlass: breakGlass ?? null,
    objectives: {
      rto: compare(
        workload.objectives.rtoSeconds,
        inSameWorld(last, world)?.recoveryTime.totalSeconds,
      ),
      rpo: compare(
        workload.objectives.rpoSeconds,
        inSameWorld(last, world)?.dataLoss.oldestSeconds,
      ),
    },
    findings,
  }
}

/** Whoever reads a status of another region than the file's must know. */
function awayFindings({ region, database }: Workload, away: Away): string[] {
  const { instance } = database
  return [
    `it is in ${away.region} since ${away.since}, by '${away.failover}': when ${region} is well, lifeboat runbook run failback.`,
    ...(away.fenceOwed === null
      ? []
      : [
          `'${instance}' in ${region} was not proven fenced (${away.fenceOwed}): lifeboat watch fences it when it answers.`,
        ]),
  ]
}

type Described = Awaited<ReturnType<typeof describe>>

async function describe(
  workload: Workload,
  { region, clock }: Pick<Surroundings, 'region' | 'clock'>,
) {
  const instance = await region.rds.getInstance(workload.database.instance)
  const window = await region.databaseBackups.restoreWindow(instance.identifier)
  const secret = await region.secrets.getDatabaseSecret(workload.database.secret)
  const lagMs = instance.latestRestorableTime
    ? clock.now().getTime() - instance.latestRestorableTime.getTime()
    : null
  const { endpoint, attributes } = instance
  return {
    attributes,
    isSecretHere: endpoint?.host === secret.host && endpoint.port === secret.port,
    secretAt: `${secret.host}:${secret.port}`,
    shown: {
      identifier: instance.identifier,
      status: instance.status,
      endpoint: endpoint ? `${endpoint.host}:${endpoint.port}` : null,
      engineVersion: attributes.engineVersion ?? null,
      restoreWindow: window
        ? { earliest: window.earliest.toISOString(), latest: window.latest.toISOString() }
        : null,
      restorableLagSeconds: lagMs === null ? null : Math.max(0, lagMs / 1000),
    },
  }
}

function posture(
  workload: Workload,
  { attributes, isSecretHere, secretAt, shown }: Described,
): string[] {
  const { instance, secret } = workload.database
  const lag = shown.restorableLagSeconds
  return [
    ...(isSecretHere
      ? []
      : [
          `secret '${secret}' points to ${secretAt}, not to '${instance}': name the instance in use (lifeboat workload update).`,
        ]),
    ...(attributes.backupRetentionDays ? [] : [`'${instance}' keeps no automated backups.`]),
    ...(attributes.deletionProtection ? [] : [`'${instance}' is not protected from deletion.`]),
    ...(shown.restoreWindow ? [] : [`'${instance}' has no recovery point yet.`]),
    ...(lag !== null && lag > workload.objectives.rpoSeconds
      ? [`the newest recovery point is ${Math.round(lag)} s old, over the RPO.`]
      : []),
  ]
}

/** One after the other: each is listed as fast as it can be. */
async function lookAtBuckets(
  { name, buckets, objectives }: Workload,
  { region, reach, database, clock }: Pick<Surroundings, 'region' | 'reach' | 'database' | 'clock'>,
  onProgress?: (what: string) => void,
): Promise<PairStatus[]> {
  const found: PairStatus[] = []
  for (const bucket of replicatedOf({ buckets })) {
    const { replica } = bucket
    const history = await History.open(database)
    const look = {
      bucket,
      source: region.buckets,
      replica: (await reach(replica.region)).buckets,
      canary: await history.newestCanary(name, replica.bucket),
      rpoSeconds: objectives.rpoSeconds,
      clock,
      onProgress: (versions: number) =>
        onProgress?.(`comparing '${bucket.bucket}' with '${replica.bucket}': ${versions} versions`),
    }
    found.push(await pairStatusOf(look))
  }
  return found
}

/** While all is well: on the day it leads where it leads. */
async function lookAtName(
  workload: Workload,
  { region }: Pick<Surroundings, 'region'>,
): Promise<NameStatus | undefined> {
  const { publicName, recoveryRegion } = workload
  if (!publicName || recoveryRegion === undefined) return undefined
  return nameStatusOf(workload, await readPublicRecords(region.route53, publicName))
}

async function lookAtBundle(
  workload: Workload,
  { database, clock }: Pick<Surroundings, 'database' | 'clock'>,
): Promise<BundleStatus | undefined> {
  const exported = await (await History.open(database)).bundleExportedLast(workload.name)
  const plan = planOf(regionFailure, { workload })
  return exported && (await bundleStatusOf(exported, { workload, plan, now: clock.now() }))
}

function bundleFindings({ folder, ageSeconds, isOld, changed }: BundleStatus): string[] {
  const bundle = `the break-glass bundle in ${folder}`
  const anew = `make it anew: lifeboat runbook export ${regionFailure.name}.`
  return [
    ...(isOld ? [`${bundle} was made ${formatDuration(ageSeconds)} ago; ${anew}`] : []),
    ...(changed.length > 0
      ? [`${bundle} is not what would be written today (${changed.join(', ')}); ${anew}`]
      : []),
  ]
}

async function runChecks(
  workload: Workload,
  { region, database, clock }: Pick<Surroundings, 'region' | 'database' | 'clock'>,
) {
  const history = await History.open(database)
  const login = () => loginTo({ region }, workload.database.secret, workload)
  const { buckets } = region
  const monitor = new Monitor({ workload, history, login, buckets, clock })
  const checks = await monitor.runOnce()
  await monitor.stop()
  const place = placeOf(await login())
  const names = checkNamesOf(workload)
  const { lastGoodAt, firstBad } = await history.findings(workload.name, place, names)
  return { checks, lastGoodAt, firstBadAt: firstBad?.seenAt }
}

/** A figure of a rehearsal says nothing about AWS. */
function inSameWorld(last: RecoveryReport | undefined, world: World | undefined) {
  return last && last.world === world && last.verdict === 'proven' ? last : undefined
}

function compare(objectiveSeconds: number, measured: number | null | undefined): Objective {
  const measuredSeconds = measured ?? null
  const state =
    measuredSeconds === null ? 'unknown' : measuredSeconds <= objectiveSeconds ? 'met' : 'missed'
  return { objectiveSeconds, measuredSeconds, state }
}

/** What `look` finds; undefined, with the reason noted, when it cannot be found out. */
async function known<Found>(
  findings: string[],
  look: () => Promise<Found>,
): Promise<Found | undefined> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error
    findings.push(`${error.message} (${error.code})`)
    return undefined
  }
}
