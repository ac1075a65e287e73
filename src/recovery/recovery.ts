/**
 * What the command line and the server call.
 */
import type { Documents } from '../aws/documents.ts'
import type { RegionClient } from '../aws/region-client.ts'
import type { Clock } from '../core/clock.ts'
import { parseDuration } from '../core/duration.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import type { Delivery } from '../probe/post.ts'
import type { Execution, ExecutionsApi } from '../runbook/execution.ts'
import type { Runbook } from '../runbook/runbook.ts'
import type { StateDatabase } from '../runbook/state-database.ts'
import type { CheckResult } from './checks.ts'
import { RegionRounds } from './detection/region-rounds.ts'
import { History } from './history.ts'
import type { LedgerFile } from './loss.ts'
import { Monitor } from './monitor.ts'
import { Notifier } from './notifications/notifier.ts'
import { deliver, Outbox } from './notifications/outbox.ts'
import { revealOf } from './notifications/reveal.ts'
import { type Update, Updates } from './notifications/updates.ts'
import { WatchNotices } from './notifications/watch-notices.ts'
import type { CanaryTravel } from './objects/canary.ts'
import { CanaryRounds } from './objects/canary-rounds.ts'
import type { ReplicatedBucket } from './objects/pair-status.ts'
import { planFor } from './own-steps/plan.ts'
import { type RecoveryReport, type ReportedExecution, reportOf } from './report.ts'
import {
  type DataCorruption,
  type Journal,
  loginTo,
  type RecoveryTools,
} from './runbooks/data-corruption/tools.ts'
import { dataCorruption } from './runbooks/data-corruption.ts'
import { failbackReport } from './runbooks/failback/report.ts'
import { failback } from './runbooks/failback.ts'
import { regionFailureReport } from './runbooks/region-failure/report.ts'
import type { RegionFailure } from './runbooks/region-failure/tools.ts'
import { regionFailure } from './runbooks/region-failure.ts'
import type { Workload } from './workload.ts'
import { WorkloadLock } from './workload-lock.ts'
import { ledgerBucketOf, WriteLedger } from './write-ledger.ts'

export { createBackup, listBackups, restore } from './backups.ts'
export { writeBundle } from './break-glass/bundle.ts'
export { foresee } from './break-glass/foresee.ts'
export type { RecoveryReport } from './report.ts'
export { COMMANDS_WITH_RIGHTS, policyOf } from './rights.ts'
export { failbackInput } from './runbooks/failback/report.ts'
export { statusOf, type WorkloadStatus } from './status.ts'
export type { Workload } from './workload.ts'
export { parseWorkload, readWorkload } from './workload-file.ts'

/** Every runbook that Lifeboat knows. */
export const RUNBOOKS = [dataCorruption, regionFailure, failback] as const

/** The figures of an execution, as far as it has come. */
export function summary(execution: ReportedExecution): RecoveryReport {
  if (execution.runbook === regionFailure.name) return regionFailureReport(execution)
  return execution.runbook === failback.name ? failbackReport(execution) : reportOf(execution)
}

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
  const knownSecrets = secretsIn(environment)
  const around = { region, reach, history, environment, knownSecrets, clock, random, journal }
  return { ...around, ...(nameServer && { nameServer }) }
}

/** What of an environment is a secret by its name. */
function secretsIn(environment: Readonly<Record<string, string | undefined>>): string[] {
  const isSecret = (name: string) => /SECRET|TOKEN|PASS|KEY|CREDENTIAL|DATABASE_URL/i.test(name)
  return Object.entries(environment).flatMap(([name, value]) =>
    value && isSecret(name) ? [value] : [],
  )
}

/** A runbook as it is for what an execution is started with: with the steps of the workload's own. */
export function planOf(runbook: Runbook, input: unknown): Runbook {
  const { workload } = input as { workload?: Workload }
  return workload ? planFor(runbook, workload) : runbook
}

/** The lock that the Lifeboats of several machines share; undefined when the workload file names no place for it. */
export function lockOf(
  { name: workload, lock }: Workload,
  around: { documents: Documents; clock: Clock; random: Random },
): WorkloadLock | undefined {
  return lock && new WorkloadLock({ ...around, workload, bucket: lock.bucket, prefix: lock.prefix })
}

/** What telling people needs. */
export interface NotificationSurroundings
  extends Pick<Surroundings, 'database' | 'reach' | 'clock'> {
  /** A variable of Lifeboat's environment, where secrets of targets may be. */
  readonly environment: (name: string) => string | undefined
}

/** Sends what goes out by itself. */
function outboxOf(
  { database, clock, ...around }: NotificationSurroundings,
  say: (line: string) => void,
): Outbox {
  return new Outbox({ database, clock, reveal: (region) => revealOf(region, around), say })
}

/** Tells people of the executions that this process executes, as their workload says. */
export function notifierOf(
  around: NotificationSurroundings,
  executions: Pick<ExecutionsApi, 'get' | 'waitFor'>,
  say: (line: string) => void,
): Notifier {
  const title = (name: string) => RUNBOOKS.find((one) => one.name === name)?.title ?? name
  const outbox = outboxOf(around, say)
  return new Notifier({ outbox, executions, report: summary, title, clock: around.clock })
}

/** Tells people what a watch of a workload sees. */
export function watchNoticesOf(
  workload: Workload,
  around: NotificationSurroundings,
  say: (line: string) => void,
): WatchNotices {
  return new WatchNotices({ workload, outbox: outboxOf(around, say), clock: around.clock })
}

/**
 * Sends an update because a person says so: to those who have not been told, or to one of them.
 *
 * @param o.target  the only one to tell
 * @param o.isAgain  also to those who may have been told, which nobody knows
 * @returns what became of it, by the name of the target; nothing of those who have been told
 * @throws LifeboatError `UpdateNotFound`
 */
export async function sendUpdate(
  { database, clock, ...around }: NotificationSurroundings,
  o: { subject: string; update: string; by: string; target?: string; isAgain?: boolean },
): Promise<Map<string, Delivery>> {
  const updates = await Updates.open(database)
  const update = (await updates.list(o.subject)).find(({ id }) => id === o.update)
  const names = update?.audience.targets.map(({ name }) => name) ?? []
  if (!update || (o.target !== undefined && !names.includes(o.target))) {
    const what = update ? `target '${o.target}' of update '${o.update}'` : `update '${o.update}'`
    throw new LifeboatError('UpdateNotFound', `'${o.subject}' has no ${what}`, {
      hint: `List them with 'lifeboat execution updates ${o.subject}'.`,
    })
  }
  const reveal = revealOf(update.audience.region, around)
  const over = o.isAgain ? (['failed', 'unknown'] as const) : (['failed'] as const)
  const send = async (name: string) => {
    const became = await deliver(update, name, { updates, reveal, clock, by: o.by, over })
    return became ? [[name, became] as const] : []
  }
  const wanted = o.target === undefined ? names : [o.target]
  return new Map((await Promise.all(wanted.map(send))).flat())
}

/** The updates of an execution, or of `watch-WORKLOAD`, oldest first. */
export async function listUpdates(database: StateDatabase, subject: string): Promise<Update[]> {
  return (await Updates.open(database)).list(subject)
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
  return new RegionRounds({ workload, tools, failover, ...told })
}

/** The newest failover of a workload that has come to its end and was not taken back; newest first. */
export async function findOpenFailover(
  executions: Pick<ExecutionsApi, 'list' | 'get'>,
  workload: string,
): Promise<Execution | undefined> {
  const newest = (await executions.list()).find(
    ({ runbook, owns, status }) =>
      owns === workload &&
      (runbook === regionFailure.name || runbook === failback.name) &&
      (status === 'completed' || status === 'completedWithSkips'),
  )
  return newest?.runbook === regionFailure.name ? await executions.get(newest.id) : undefined
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
