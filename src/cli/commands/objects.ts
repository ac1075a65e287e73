import { Command } from 'commander'
import { LifeboatError } from '../../core/errors.ts'
import type { BucketRestore, RestorePlan } from '../../recovery/objects/restore-bucket.ts'
import { confirm } from '../confirm.ts'
import { withExitCodes } from '../exit-codes.ts'
import { action, type Invocation, type Surroundings } from '../invocation.ts'
import { LiveLine } from '../live-line.ts'
import { type WorkloadOption, withWorkload } from '../workload-option.ts'
import { rulesHomeCommand } from './objects-rules-home.ts'

interface RestoreOptions extends WorkloadOption {
  readonly bucket: string
  readonly to: string
  readonly prefix?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** `lifeboat objects …`: the buckets of a workload. */
export function objectsCommand(around: Surroundings): Command {
  return new Command('objects')
    .description('the objects of a workload, in S3 buckets')
    .addCommand(restoreCommand(around))
    .addCommand(backfillCommand(around))
    .addCommand(rulesHomeCommand(around))
}

interface BackfillOptions extends WorkloadOption {
  readonly bucket: string
  readonly role?: string
  readonly job?: string
  readonly yes?: boolean
}

function backfillCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('backfill'))
    .description('replicate what is older than the rules of a bucket, and what has failed')
    .requiredOption('--bucket <name>', 'a bucket with replication rules')
    .option('--role <arn>', 'trusts batchoperations.s3.amazonaws.com; default: that of the rules')
    .option('--job <id>', 'only follow a job that was begun before')
    .option('--yes', 'do it without asking')
    .action(action(around, (invocation, options: BackfillOptions) => backfill(invocation, options)))
  return withExitCodes(command, [
    'WorkloadFileInvalid',
    'WorkloadFileNotFound',
    'RegionUnreachable',
    'CallRefused',
    'CredentialsRefused',
    'ApprovalRequired',
    'ReplicationFailed',
  ])
}

async function backfill(invocation: Invocation, options: BackfillOptions): Promise<void> {
  const { output, clock, signal } = invocation
  const { bucket, role } = options
  const { withRegion } = await import('../workload-region.ts')
  const { beginBackfill, followBackfill } = await import('../../recovery/objects/backfill.ts')
  const { systemRandom } = await import('../../core/random.ts')
  await withRegion(invocation, options, async ({ region }) => {
    const token = systemRandom.hex(32)
    if (!options.job) await approveBackfill(invocation, options)
    const job = options.job ?? (await beginBackfill({ region, bucket, role, token }))
    output.say(`batch job ${job}; to follow it again: --job ${job}`)
    const live = new LiveLine(output, clock)
    try {
      const ended = await followBackfill({
        region,
        job,
        clock,
        signal,
        onProgress: ({ total, succeeded, failed }) => {
          const done = succeeded + failed
          if (total === 0) live.show(`listing what '${bucket}' has not replicated`)
          else live.show(`${done} of ${total} versions replicated`, done / total)
        },
      })
      live.clear()
      const { total, succeeded } = ended
      const words = `${succeeded} of ${total} versions of '${bucket}' were replicated`
      output.result({ bucket, job, total, succeeded, failed: ended.failed }, words)
    } finally {
      live.clear()
    }
  })
}

async function approveBackfill(
  { output, signal }: Invocation,
  { bucket, yes }: BackfillOptions,
): Promise<void> {
  if (yes) return
  const question = `Begin a batch job that replicates what '${bucket}' has not? AWS bills jobs, requests and transfer.`
  if (output.canAsk && (await confirm(question, signal))) return
  throw new LifeboatError('ApprovalRequired', `no batch job was begun for '${bucket}'`, {
    hint: 'Run it with --yes; lifeboat cost tells what a copied object costs.',
  })
}

function restoreCommand(around: Surroundings): Command {
  const command = withWorkload(new Command('restore'))
    .description('bring a bucket back to a moment, and prove it; no version is ever destroyed')
    .requiredOption('--bucket <name>', 'a bucket with versioning')
    .requiredOption('--to <time>', 'ISO 8601 with a zone')
    .option('--prefix <prefix>', 'only keys that begin so')
    .option('--dry-run', 'tell what would be done, and do nothing')
    .option('--yes', 'do it without asking')
    .action(action(around, (invocation, options: RestoreOptions) => restore(invocation, options)))
  return withExitCodes(command, [
    'InvalidTime',
    'WorkloadFileInvalid',
    'WorkloadFileNotFound',
    'RegionUnreachable',
    'CallRefused',
    'CredentialsRefused',
    'ResourceNotFound',
    'ApprovalRequired',
    'RestoreNotVerified',
  ])
}

async function restore(invocation: Invocation, options: RestoreOptions): Promise<void> {
  const { output, clock, signal } = invocation
  const { withRegion } = await import('../workload-region.ts')
  const { parseTime } = await import('../../recovery/recovery.ts')
  const steps = await import('../../recovery/objects/restore-bucket.ts')
  const to = parseTime(options.to)
  const { bucket, prefix } = options
  await withRegion(invocation, options, async ({ region }) => {
    const prefixes = [prefix ?? '']
    const o: BucketRestore = { buckets: region.buckets, bucket, prefixes, to, clock, signal }
    const live = new LiveLine(output, clock)
    try {
      live.show(`comparing '${bucket}' with what it was`)
      const plan = await steps.planRestore(o)
      live.clear()
      const report = { bucket, to: to.toISOString(), ...plan }
      if (options.dryRun) return output.result({ ...report, dryRun: true }, describe(plan, bucket))
      output.say(describe(plan, bucket))
      await approve(plan, invocation, options)

      const onProgress = (done: number, of: number) => live.show('restoring objects', done / of)
      await steps.restoreBucket(plan, { ...o, onProgress })
      live.show('reading the bucket again')
      const proof = await steps.proveRestore(o)
      live.clear()
      steps.refuseUnlessProven(proof, o)
      output.result(
        { ...report, verdict: 'proven', objects: proof.objects },
        `proven: the ${proof.objects} objects of '${bucket}' are what they were at ${to.toISOString()}`,
      )
    } finally {
      live.clear()
    }
  })
}

async function approve(
  { copies, deleteMarkers }: RestorePlan,
  { output, signal }: Invocation,
  { yes, bucket }: RestoreOptions,
): Promise<void> {
  const changes = copies + deleteMarkers
  if (yes || changes === 0) return
  if (output.canAsk && (await confirm(`Change ${changes} objects of '${bucket}'?`, signal))) return
  throw new LifeboatError('ApprovalRequired', `bucket '${bucket}' was not changed`, {
    hint: 'Run it with --yes to approve what it says it will do.',
  })
}

function describe(
  { copies, deleteMarkers, unchanged, copiedBytes }: RestorePlan,
  bucket: string,
): string {
  const megabytes = (copiedBytes / 1e6).toFixed(1)
  return [
    `bucket '${bucket}':`,
    `  ${copies} older versions are copied on top (${megabytes} MB)`,
    `  ${deleteMarkers} objects that were not there get a delete marker`,
    `  ${unchanged} objects are what they were`,
  ].join('\n')
}
