/**
 * What the command line and the server call.
 */
import type { Documents } from '../aws/documents.ts'
import type { RegionClient } from '../aws/region-client.ts'
import type { Clock } from '../core/clock.ts'
import { parseDuration } from '../core/duration.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import { type ExecutionsApi, hasEnded } from '../runbook/execution.ts'
import type { Runbook } from '../runbook/runbook.ts'
import type { StateDatabase } from '../runbook/state-database.ts'
import { exportedBundle } from './break-glass/exported.ts'
import type { Foreseen } from './break-glass/foresee.ts'
import type { CheckResult } from './checks.ts'
import { RegionRounds } from './detection/region-rounds.ts'
import { History } from './history.ts'
import type { LedgerFile } from './loss.ts'
import { Monitor } from './monitor.ts'
import { listUpdates } from './notifications/telling.ts'
import type { WatchNotices } from './notifications/watch-notices.ts'
import type { CanaryTravel } from './objects/canary.ts'
import { CanaryRounds } from './objects/canary-rounds.ts'
import {
  type DataCorruption,
  type Journal,
  loginTo,
  type RecoveryTools,
} from './runbooks/data-corruption/tools.ts'
import type { RegionFailure } from './runbooks/region-failure/tools.ts'
import { regionFailure } from './runbooks/region-failure.ts'
import { findOpenFailover } from './whereabouts.ts'
import { Testimonies } from './witnesses/testimonies.ts'
import type { ReplicatedBucket, Workload } from './workload.ts'
import { WorkloadLock } from './workload-lock.ts'
import { ledgerBucketOf, WriteLedger } from './write-ledger.ts'

export { createBackup, listBackups, restore } from './backups.ts'
export { writeBundle } from './break-glass/bundle.ts'
export { foresee } from './break-glass/foresee.ts'
export {
  listUpdates,
  type NotificationSurroundings,
  notifierOf,
  sendUpdate,
  watchNoticesOf,
} from './notifications/telling.ts'
export type { RecoveryReport } from './report.ts'
export { COMMANDS_WITH_RIGHTS, policyOf } from './rights.ts'
export { planOf, RUNBOOKS, summary } from './runbooks/all.ts'
export { failbackInput } from './runbooks/failback/report.ts'
export { statusOf, type WorkloadStatus } from './status.ts'
export {
  type Away,
  findOpenFailover,
  refuseElsewhere,
  type Whereabouts,
  whereaboutsOf,
} from './whereabouts.ts'
export { hearingOf } from './witnesses/hearing.ts'
export type { Workload } from './workload.ts'
export { parseWorkload, readWorkload } from './workload-file.ts'

/** What everything here needs of the process that it runs in. */
export interface Surroundings {
  /** Where the workload runs. */
  readonly region: RegionClient
  /** Another region, where replicas are. Whoever gives it closes it. */
  readonly reach: (region: string) => Promise<RegionClient>
  readonly database: StateDatabase
  /** Where names are asked for; by default where the system asks. */
  readonly nameServer?: { readonly host: string; readonly port: number } | undefined
  /** Lifeboat's own, for the user's own steps. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly random: Random
}

/** The tools of the runbooks' steps; `journal` reads an execution as it is recorded so far. */
export async function recoveryTools(
  { region, reach, database, nameServer, environment = {}, clock, random }: Surroundings,
  journal: (execution: string) => Promise<Journal>,
): Promise<RecoveryTools> {
  const history = await History.open(database)
  const testimonies = await Testimonies.open(database)
  const knownSecrets = secretsIn(environment)
  const seen = { history, testimonies }
  const updates = (execution: string) => listUpdates(database, execution)
  const told = { journal, updates }
  const around = { region, reach, ...seen, environment, knownSecrets, clock, random, ...told }
  return { ...around, ...(nameServer && { nameServer }) }
}

/** What of an environment is a secret by its name. */
function secretsIn(environment: Readonly<Record<string, string | undefined>>): string[] {
  const isSecret = (name: string) => /SECRET|TOKEN|PASS|KEY|CREDENTIAL|DATABASE_URL/i.test(name)
  return Object.entries(environment).flatMap(([name, value]) =>
    value && isSecret(name) ? [value] : [],
  )
}

/** The lock that the Lifeboats of several machines share; undefined when the workload file names no place for it. */
export function lockOf(
  { name: workload, lock }: Workload,
  around: { documents: Documents; clock: Clock; random: Random },
): WorkloadLock | undefined {
  return lock && new WorkloadLock({ ...around, workload, bucket: lock.bucket, prefix: lock.prefix })
}

/** Remembers that a break-glass bundle was exported, for `statusOf`. */
export async function rememberBundle(
  database: StateDatabase,
  folder: string,
  plan: Runbook,
  foreseen: Foreseen,
): Promise<void> {
  const history = await History.open(database)
  const bundle = await exportedBundle(folder, plan, foreseen)
  await history.rememberBundle(foreseen.workload.name, bundle)
}

/** A monitor of a workload's checks, not started. It logs in with the workload's own secret. */
export async function monitorOf(
  workload: Workload,
  { region, database, clock }: Pick<Surroundings, 'region' | 'database' | 'clock'>,
  onResults?: (results: readonly CheckResult[]) => void,
): Promise<Monitor> {
  return new Monitor({
    workload,
    history: await History.open(database),
    login: () => loginTo({ region }, workload.database.secret, workload),
    buckets: region.buckets,
    clock,
    ...(onResults && { onResults }),
  })
}

/** Canaries along a workload's pairs of buckets, not started. */
export async function canariesOf(
  workload: Workload,
  { region, reach, database, clock }: Pick<Surroundings, 'region' | 'reach' | 'database' | 'clock'>,
  onTravel?: (bucket: ReplicatedBucket, travel: CanaryTravel) => void,
): Promise<CanaryRounds> {
  const history = await History.open(database)
  const told = onTravel && { onTravel }
  return new CanaryRounds({ workload, region, reach, history, clock, ...told })
}

/** Looks at a workload's region from outside, not started. */
export async function regionRoundsOf(
  workload: Workload,
  around: Surroundings,
  o: {
    executions: Pick<ExecutionsApi, 'list' | 'get'>
    incidentFolder: string
    say: (line: string) => void
    notices?: WatchNotices
  },
): Promise<RegionRounds> {
  const { executions, ...told } = o
  const tools = await recoveryTools(around, (id) => executions.get(id))
  const failover = () => findOpenFailover(executions, workload.name)
  const isExecuting = async () =>
    (await executions.list()).some((one) => one.owns === workload.name && !hasEnded(one))
  return new RegionRounds({ workload, tools, failover, isExecuting, ...told })
}

/** A write ledger of a workload, not started; its file is created when it is not there. */
export function writeLedgerOf(
  workload: Workload,
  path: string,
  { region, clock }: Pick<Surroundings, 'region' | 'clock'>,
): Promise<WriteLedger> {
  const login = () => loginTo({ region }, workload.database.secret, workload)
  const place = ledgerBucketOf(workload)
  const objects = place && { buckets: region.buckets, ...place }
  return WriteLedger.open({ path, login, clock, ...(objects && { objects }) })
}

/**
 * What `data-corruption` is started with: `executions.start('data-corruption', input, { owns: workload.name })`.
 *
 * @param to  ISO 8601 with a zone
 * @throws LifeboatError `InvalidTime`
 */
export function dataCorruptionInput(o: {
  workload: Workload
  incidentFolder: string
  to?: string
  ledger?: LedgerFile
}): DataCorruption {
  return {
    workload: o.workload,
    incidentFolder: o.incidentFolder,
    ...(o.to !== undefined && { to: parseTime(o.to).toISOString() }),
    ...(o.ledger && { ledger: o.ledger }),
  }
}

/** What `region-failure` is started with, as `dataCorruptionInput`. @throws LifeboatError `InvalidDuration` */
export function regionFailureInput(o: {
  workload: Workload
  incidentFolder: string
  ledger?: LedgerFile
  /** As `30s`. */
  acceptDataLoss?: string
  witness?: string
  attestFence?: string
}): RegionFailure {
  const { acceptDataLoss, witness, attestFence } = o
  return {
    workload: o.workload,
    incidentFolder: o.incidentFolder,
    ...(o.ledger && { ledger: o.ledger }),
    ...(acceptDataLoss !== undefined && { acceptDataLossSeconds: parseDuration(acceptDataLoss) }),
    ...(witness !== undefined && { witness }),
    ...(attestFence !== undefined && { fenceAttested: attestFence }),
  }
}

/** What a runbook is started with. */
export function inputOf(
  runbook: string,
  o: Parameters<typeof dataCorruptionInput>[0] & Parameters<typeof regionFailureInput>[0],
): DataCorruption | RegionFailure {
  return runbook === regionFailure.name ? regionFailureInput(o) : dataCorruptionInput(o)
}

/** @throws LifeboatError `InvalidTime` */
export function parseTime(text: string): Date {
  const isComplete = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(text)
  const time = new Date(text)
  if (isComplete && !Number.isNaN(time.getTime())) return time
  throw new LifeboatError('InvalidTime', `'${text}' is not a time`, {
    hint: 'Write it with a zone, like 2026-01-15T10:30:00Z.',
  })
}
