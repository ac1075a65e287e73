import type { BatchJob } from '../../aws/batch-replication.ts'
import type { RegionClient } from '../../aws/region-client.ts'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'

const LOOK_EVERY_MS = 500

/**
 * Begins to replicate what a bucket's rules have not: what is older than they are, and what has failed.
 *
 * @param o.role  an ARN; by default the one of the rules, which must trust S3 Batch Operations as well
 * @returns the id of the job
 * @throws LifeboatError `CallRefused` for a bucket without rules, and as `BatchReplication` does
 */
export async function beginBackfill(o: {
  region: RegionClient
  bucket: string
  role?: string | undefined
  token: string
}): Promise<string> {
  const { region, bucket, token } = o
  const replication = await region.buckets.findReplication(bucket)
  if (!replication) {
    throw new LifeboatError('CallRefused', `bucket '${bucket}' has no replication rules`, {
      hint: 'Give it a rule first: a backfill copies what the rules name.',
    })
  }
  const { account } = await region.identity()
  const role = o.role ?? replication.role
  return region.batchReplication.begin({ account, bucket, role, token })
}

/**
 * Follows a job to its end.
 *
 * @param onProgress  called whenever it was looked at
 * @throws LifeboatError `ReplicationFailed` when the job failed, or any version of it
 */
export async function followBackfill(o: {
  region: RegionClient
  job: string
  clock: Clock
  signal: AbortSignal
  onProgress: (job: BatchJob) => void
}): Promise<BatchJob> {
  const { region, clock, signal } = o
  const { account } = await region.identity()
  for (;;) {
    const job = await region.batchReplication.describe(account, o.job)
    o.onProgress(job)
    if (job.status === 'completed' && job.failed === 0) return job
    if (isOfNothing(job)) return { ...job, status: 'completed', reasons: [] }
    if (job.status !== 'preparing' && job.status !== 'running') throw notAll(job)
    await clock.sleep(LOOK_EVERY_MS, signal)
  }
}

/** S3 fails a job that finds nothing to replicate. It finds no archived versions either: that they are missing, a comparison tells. */
function isOfNothing({ status, total, reasons }: BatchJob): boolean {
  return status === 'failed' && total === 0 && reasons.some((one) => /found no keys/i.test(one))
}

function notAll({ id, status, failed, total, reasons }: BatchJob): LifeboatError {
  const why = reasons.length > 0 ? `: ${reasons.join('; ')}` : ''
  const message =
    status === 'completed'
      ? `${failed} of ${total} versions of batch job '${id}' could not be replicated${why}`
      : `batch job '${id}' was ${status}${why}`
  return new LifeboatError('ReplicationFailed', message, {
    hint: "Compare the role's rights with those that S3 asks for, on both buckets; then run it again.",
  })
}
