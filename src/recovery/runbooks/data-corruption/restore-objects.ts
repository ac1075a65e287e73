import { formatDuration } from '../../../core/duration.ts'
import {
  type BucketRestore,
  planRestore,
  proveRestore,
  type RestorePlan,
  refuseUnlessProven,
  restoreBucket,
} from '../../objects/restore-bucket.ts'
import { undoRestore } from '../../objects/undo-restore.ts'
import type { Identified } from './identify.ts'
import type { DataCorruption, RecoveryTools } from './tools.ts'

/** What was done to the workload's buckets; every one was read again afterwards and is what it was at the recovery point. */
export type RestoredObjects = {
  /** What was in front until this moment can come in front again. */
  readonly begunAt: string
  readonly buckets: readonly (RestorePlan & {
    readonly bucket: string
    /** Objects in front afterwards. */
    readonly objects: number
  })[]
}

interface Step {
  readonly execution: string
  readonly signal: AbortSignal
  readonly progress: (message: string, fraction?: number) => void
}

/** S3 on AWS tells whole seconds: what is put there later than this is told apart from what was there. */
const APART_MS = 1_100

/**
 * Brings the workload's buckets to the recovery point of the database. It only adds versions.
 *
 * @throws LifeboatError `RestoreNotVerified`, `CallRefused` where a bucket keeps no versions
 */
export async function restoreObjects(
  { workload }: DataCorruption,
  { recoveryPoint }: Identified,
  tools: RecoveryTools,
  { execution, signal, progress }: Step,
): Promise<RestoredObjects> {
  const { clock, region } = tools
  const begunAt = (await beginning(tools, execution)) ?? clock.now()
  const buckets: RestoredObjects['buckets'][number][] = []
  for (const { bucket, prefixes } of workload.buckets) {
    const apartMs = begunAt.getTime() + APART_MS - clock.now().getTime()
    if (apartMs > 0) await clock.sleep(apartMs, signal)
    const to = new Date(recoveryPoint.time)
    // Consumers cannot write to the database any more; nobody keeps them from trying, object first.
    const when = { to, until: begunAt }
    const o: BucketRestore = { buckets: region.buckets, bucket, prefixes, ...when, clock, signal }
    progress(`comparing bucket '${bucket}' with what it was`)
    const plan = await planRestore(o)
    const onProgress = (done: number, of: number) =>
      progress(`bucket '${bucket}': ${done} of ${of} objects`, done / of)
    await restoreBucket(plan, { ...o, onProgress })
    progress(`reading bucket '${bucket}' again`)
    const proof = await proveRestore(o)
    refuseUnlessProven(proof, o)
    buckets.push({ bucket, ...plan, objects: proof.objects })
  }
  return { begunAt: begunAt.toISOString(), buckets }
}

/** Puts in front again what was there before, also after a restore that was not ended. Safe to call again. */
export async function undoRestoreObjects(
  { workload }: DataCorruption,
  { recoveryPoint }: Identified,
  tools: RecoveryTools,
  { execution, signal }: Pick<Step, 'execution' | 'signal'>,
): Promise<void> {
  const before = await beginning(tools, execution)
  if (!before) return
  const to = new Date(recoveryPoint.time)
  for (const { bucket, prefixes } of workload.buckets) {
    const { region, clock } = tools
    await undoRestore({ buckets: region.buckets, bucket, prefixes, to, before, clock, signal })
  }
}

/** What bringing the buckets back changes, as it is at this moment. */
export async function costOfRestoringObjects(
  { workload }: DataCorruption,
  { recoveryPoint }: Identified,
  { region, clock }: RecoveryTools,
): Promise<string[]> {
  const to = new Date(recoveryPoint.time)
  const costs: string[] = []
  for (const { bucket, prefixes } of workload.buckets) {
    const plan = await planRestore({ buckets: region.buckets, bucket, prefixes, to, clock })
    const age = formatDuration((clock.now().getTime() - to.getTime()) / 1_000)
    costs.push(
      `Bucket '${bucket}' goes back ${age}: ${plan.copies} objects come back or are replaced, ${plan.deleteMarkers} newer ones are hidden until rows point at them again; no version is destroyed.`,
    )
  }
  return costs
}

/** When this execution first began to restore objects; undefined when it has not. */
async function beginning({ journal }: RecoveryTools, execution: string): Promise<Date | undefined> {
  const { steps } = await journal(execution)
  const first = steps.find(({ name }) => name === 'restore-objects')?.attempts[0]
  return first && new Date(first.startedAt)
}
