import { createHash } from 'node:crypto'
import type { BatchJob } from '../../../aws/batch-replication.ts'
import { awsCodeOf } from '../../../aws/faults.ts'
import type { RegionClient } from '../../../aws/region-client.ts'
import { LifeboatError } from '../../../core/errors.ts'
import { beginBackfill, followBackfill } from '../../objects/backfill.ts'
import { comparePair } from '../../objects/compare-pair.ts'
import { findRulesBack, type RulesBack } from '../../objects/rules-home.ts'
import { replicatedOf } from '../../workload.ts'
import type { RecoveryTools } from '../data-corruption/tools.ts'
import { type Failback, mirroredTools } from './tools.ts'

/** How S3 itself can bring the objects of a bucket home, as it was found. JSON. */
export type FoundRules = RulesBack & {
  readonly bucket: string
  /** Why it could not be found out: then objects come home as copies. */
  readonly fault: string | null
}

/** JSON. */
export type TurnedRules = {
  /** How many rules of the buckets at home were turned. */
  readonly rules: number
  /** Why rules of replicas were not. */
  readonly faults: readonly string[]
}

/** A batch job that replicated what rules had not, as it ended. JSON. */
export type Backfilled = {
  readonly bucket: string
  readonly replicated: number
  /** Why not all of it was; null when it was. */
  readonly fault: string | null
}

/** A bucket and its replica, compared version by version. JSON. */
export type ComparedPair = {
  readonly bucket: string
  readonly versions: number
  /** Versions that only the bucket has, and delete markers. */
  readonly missingAway: number
  /** Versions and delete markers that only the replica has. */
  readonly onlyAway: number
}

type Step = { execution: string; signal: AbortSignal; progress: (message: string) => void }

/** Sees for each replicated bucket whether its replica has rules that lead back. */
export async function findRulesHome(
  input: Failback,
  tools: RecoveryTools,
): Promise<readonly FoundRules[]> {
  const { region: away } = await mirroredTools(tools, input)
  const found: FoundRules[] = []
  for (const pair of replicatedOf(input.workload)) {
    const { bucket } = pair
    const rules = await unlessDenied(() => findRulesBack(pair, away.buckets))
    found.push(
      'fault' in rules
        ? { bucket, enabled: [], disabled: [], role: null, fault: rules.fault }
        : { bucket, ...rules.answer, fault: null },
    )
  }
  return found
}

/** Lets S3 replicate towards home, and what comes home be carried away no more. */
export async function turnRulesHome(
  input: Failback,
  found: readonly FoundRules[],
  tools: RecoveryTools,
): Promise<TurnedRules> {
  // First what may be refused. What S3 has replicated it does not replicate again, so that both may be on for a moment.
  const turned = await unlessDenied(() => switchRulesHome(input, found, tools, true))
  const rules = await switchRulesAway(input, tools, false)
  return { rules, faults: 'fault' in turned ? [turned.fault] : [] }
}

/** Turns the rules as they were while all was well. */
export async function turnRulesAway(
  input: Failback,
  found: readonly FoundRules[],
  tools: RecoveryTools,
): Promise<TurnedRules> {
  const rules = await switchRulesAway(input, tools, true)
  const turned = await unlessDenied(() => switchRulesHome(input, found, tools, false))
  return { rules, faults: 'fault' in turned ? [turned.fault] : [] }
}

/** Turns on or off what replicates the buckets at home. */
export async function switchRulesAway(
  { workload }: Failback,
  { region }: RecoveryTools,
  isEnabled: boolean,
): Promise<number> {
  let rules = 0
  for (const { bucket, replica } of replicatedOf(workload)) {
    if (!(await region.buckets.findReplication(bucket))) continue
    rules += await region.buckets.switchReplication(bucket, replica.bucket, isEnabled)
  }
  return rules
}

/** Those that were enabled while all was well stay so. */
async function switchRulesHome(
  input: Failback,
  found: readonly FoundRules[],
  tools: RecoveryTools,
  isEnabled: boolean,
): Promise<void> {
  const { region: away } = await mirroredTools(tools, input)
  for (const { bucket, replica } of replicatedOf(input.workload)) {
    const { disabled = [] } = found.find((one) => one.bucket === bucket) ?? {}
    if (disabled.length === 0) continue
    await away.buckets.switchReplication(replica.bucket, bucket, isEnabled, disabled)
  }
}

/** Replicates home what was written away before the rules led there. */
export async function backfillHome(
  input: Failback,
  found: readonly FoundRules[],
  tools: RecoveryTools,
  step: Step,
): Promise<readonly Backfilled[]> {
  const { region: away } = await mirroredTools(tools, input)
  const done: Backfilled[] = []
  for (const { bucket, replica } of replicatedOf(input.workload)) {
    const { enabled = [], disabled = [] } = found.find((one) => one.bucket === bucket) ?? {}
    if (enabled.length + disabled.length === 0) continue
    done.push(await backfill(away, replica.bucket, tools, { ...step, what: 'home' }))
  }
  return done
}

/** Replicates away what came home as copies, and what was written at home before the rules led away again. */
export async function backfillAway(
  { workload }: Failback,
  tools: RecoveryTools,
  step: Step,
): Promise<readonly Backfilled[]> {
  const done: Backfilled[] = []
  for (const { bucket } of replicatedOf(workload)) {
    if (!(await tools.region.buckets.findReplication(bucket))) continue
    done.push(await backfill(tools.region, bucket, tools, { ...step, what: 'away' }))
  }
  return done
}

/** A role that S3 Batch Operations may not take is no reason to stay away: what is not replicated is copied, or said. */
async function backfill(
  region: RegionClient,
  bucket: string,
  tools: RecoveryTools,
  { execution, signal, progress, what }: Step & { what: string },
): Promise<Backfilled> {
  const onProgress = ({ total, succeeded, failed }: BatchJob) =>
    progress(`bucket '${bucket}': ${succeeded} of ${total} versions replicated, ${failed} failed`)
  const done = await unlessDenied(async () => {
    const job = await jobFor(region, bucket, `${execution} ${what} ${bucket}`)
    return followBackfill({ region, job, clock: tools.clock, signal, onProgress })
  })
  if ('fault' in done) return { bucket, replicated: 0, fault: done.fault }
  return { bucket, replicated: done.answer.succeeded, fault: null }
}

const MOST_JOBS = 20

/** The job of an earlier try, unless that has failed: then what it failed of may have been mended since. */
async function jobFor(region: RegionClient, bucket: string, asked: string): Promise<string> {
  const { account } = await region.identity()
  for (let count = 1; ; count++) {
    const token = createHash('sha256').update(`${asked} ${count}`).digest('hex')
    const job = await beginBackfill({ region, bucket, token })
    const { status, failed } = await region.batchReplication.describe(account, job)
    const hasFailed = status === 'failed' || status === 'canceled' || failed > 0
    if (!hasFailed || count === MOST_JOBS) return job
  }
}

/** What AWS refuses for want of a right, and what a job could not do, is told; every other failure is one. */
async function unlessDenied<Answer>(
  act: () => Promise<Answer>,
): Promise<{ answer: Answer } | { fault: string }> {
  try {
    return { answer: await act() }
  } catch (error) {
    if (!(error instanceof LifeboatError)) throw error
    const isDenied = /^AccessDenied/.test(awsCodeOf(error) ?? '')
    if (isDenied || error.code === 'ReplicationFailed') return { fault: error.message }
    throw error
  }
}

/** Whether both buckets have the same versions, under the same ids. */
export async function comparePairs(
  input: Failback,
  tools: RecoveryTools,
  step: Pick<Step, 'progress'>,
): Promise<readonly ComparedPair[]> {
  const { region: away } = await mirroredTools(tools, input)
  const compared: ComparedPair[] = []
  for (const part of replicatedOf(input.workload)) {
    const { bucket, replica } = part
    const { versions, missing, missingMarkers, surplus } = await comparePair(
      {
        source: { buckets: tools.region.buckets, part },
        replica: { buckets: away.buckets, bucket: replica.bucket },
      },
      (count) =>
        count % 1000 === 0 && step.progress(`bucket '${bucket}': ${count} versions compared`),
    )
    const missingAway = missing.versions + missingMarkers
    compared.push({ bucket, versions, missingAway, onlyAway: surplus })
  }
  return compared
}
