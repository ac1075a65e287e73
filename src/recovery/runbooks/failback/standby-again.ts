import type { RegionClient } from '../../../aws/region-client.ts'
import { derivedName, EXECUTION_TAG, type RecoveryTools } from '../data-corruption/tools.ts'
import type { Promoted } from '../region-failure/promote.ts'
import {
  type Backfilled,
  backfillAway,
  type ComparedPair,
  comparePairs,
  type FoundRules,
  type TurnedRules,
  turnRulesAway,
} from './object-rules.ts'
import { type Failback, mirroredTools } from './tools.ts'

/** What stands in the recovery region again. JSON. */
export type StandbyAgain = {
  /** A read replica; null where none stood before. */
  readonly standby: string | null
  /** Whether the automated backups of the database at home are kept there, as those of the old one were. */
  readonly hasBackups: boolean
  readonly turned: TurnedRules
  readonly backfilled: readonly Backfilled[]
  readonly compared: readonly ComparedPair[]
  /** What the workload file has to say from now on. */
  readonly workloadFile: { readonly instance: string; readonly standby?: string }
}

type Step = { execution: string; signal: AbortSignal; progress: (message: string) => void }

const WITHIN_MS = 24 * 3_600_000
const LOOK_EVERY_MS = 1_000

/** Makes the recovery region what it was before: a replica or backups, copies of secrets, rules that replicate, services at rest. */
export async function standbyAgain(
  input: Failback,
  { home, foundRules }: { home: Promoted; foundRules: readonly FoundRules[] },
  tools: RecoveryTools,
  step: Step,
): Promise<StandbyAgain> {
  const { workload, failover } = input
  const { region: away } = await mirroredTools(tools, input)
  // Again: while the region was dead it may have been refused.
  const turned = await turnRulesAway(input, foundRules, tools)
  // AWS takes one thing at a time of an instance that is available.
  const wait = { deadlineMs: WITHIN_MS, signal: step.signal }
  const inTurn = <Done>(act: () => Promise<Done>) =>
    tools.region.rds.whenAvailable(home.instance, wait, act)
  const standby = workload.database.standby
    ? await inTurn(() => beginReplica(input, home, away, step))
    : null
  const hasBackups = await inTurn(() => replicateBackups(input, home, away))
  for (const { cluster, service, desiredCount } of failover.ready.services) {
    await away.services.restoreDesiredCount({ cluster, service }, step.execution)
    await away.services.keepDesiredCount({ cluster, service }, desiredCount)
  }
  const { secret, adminSecret } = workload.database
  for (const name of new Set([secret, adminSecret])) {
    await tools.region.secrets.replicate(name, away.region, true)
  }
  const backfilled = await backfillAway(input, tools, step)
  if (standby) {
    await away.rds.waitUntil(standby, (one) => one?.status === 'available', {
      deadlineMs: WITHIN_MS,
      signal: step.signal,
      onPoll: (one) => step.progress(`'${standby}' is ${one?.status ?? 'not there yet'}`),
    })
  }
  if (hasBackups) await untilBackupsArrive(home, away, tools, step)
  const compared = await comparePairs(input, tools, step)
  const workloadFile = { instance: home.instance, ...(standby && { standby }) }
  return { standby, hasBackups, turned, backfilled, compared, workloadFile }
}

async function beginReplica(
  { workload, failover }: Failback,
  home: Promoted,
  away: RegionClient,
  { execution }: Step,
): Promise<string> {
  const standby = derivedName(workload.database.instance, 'standby', execution)
  const { attributes } = await away.rds.getInstance(failover.promoted.instance)
  const { instanceClass, kmsKey, parameterGroup } = attributes
  await away.databaseReplicas.create({
    source: home.arn,
    target: standby,
    attributes: {
      ...(instanceClass !== undefined && { instanceClass }),
      ...(kmsKey !== undefined && { kmsKey }),
      ...(parameterGroup !== undefined && { parameterGroup }),
    },
    tags: {},
    mark: { key: EXECUTION_TAG, value: execution },
  })
  return standby
}

/** False: those of the old database were not. They go on as long as that is kept. */
async function replicateBackups(
  { workload, failover }: Failback,
  home: Promoted,
  away: RegionClient,
): Promise<boolean> {
  const { instance } = workload.database
  const before = (await away.databaseBackups.listReplicated()).find(
    (backups) => backups.instance === instance,
  )
  // What was ended by somebody is not begun again; what the database came up from was there, though it may have expired since.
  const isBegun = before !== undefined && before.status !== 'retained'
  if (!isBegun && failover.ready.database.kind !== 'replicated-backups') return false
  const { attributes } = await away.rds.getInstance(failover.promoted.instance)
  const { kmsKey = attributes.kmsKey, retentionDays } = before ?? {}
  await away.databaseBackups.replicate({
    sourceArn: home.arn,
    ...(kmsKey !== undefined && { kmsKey }),
    ...(retentionDays !== undefined && { retentionDays }),
  })
  return true
}

async function untilBackupsArrive(
  home: Promoted,
  away: RegionClient,
  { clock }: RecoveryTools,
  { signal, progress }: Step,
): Promise<void> {
  for (;;) {
    const all = await away.databaseBackups.listReplicated()
    const found = all.find((backups) => backups.sourceArn === home.arn)
    if (found?.window) return
    progress(`backups of '${home.instance}' are ${found?.status ?? 'not there yet'}`)
    await clock.sleep(LOOK_EVERY_MS, signal)
  }
}
