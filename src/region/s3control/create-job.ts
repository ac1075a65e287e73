import type { CreateJobRequest, CreateJobResult } from '../protocol/models/s3-control.ts'
import { S3ControlFault } from '../protocol/models/s3-control.ts'
import type { Job, JobFilter } from './job.ts'
import type { Jobs } from './jobs.ts'
import { checkPriority } from './update-job.ts'

const STATUSES = new Set(['COMPLETED', 'FAILED', 'REPLICA', 'NONE'])

/**
 * Makes a job that replicates the versions that a filter finds. A token that was used before answers the job of then.
 *
 * @throws S3ControlFault `InvalidRequestException` for every other operation and manifest, and what cannot be honoured
 */
export async function createJob(jobs: Jobs, input: CreateJobRequest): Promise<CreateJobResult> {
  const token = input.ClientRequestToken ?? ''
  const known = jobs.list().find(({ clientRequestToken }) => token && clientRequestToken === token)
  if (known) return { JobId: known.id }
  const { clock, random } = jobs.o
  const job: Job = {
    id: random.hex(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    clientRequestToken: token,
    description: input.Description,
    priority: checkPriority(input.Priority),
    roleArn: input.RoleArn ?? '',
    ...sourceOf(jobs, input),
    report: { Enabled: false },
    // The API of AWS takes an absent one for false, too: only jobs of its console are to be confirmed.
    confirmationRequired: input.ConfirmationRequired === true,
    isConfirmed: input.ConfirmationRequired !== true,
    status: 'New',
    createdAtMs: clock.now().getTime(),
    total: 0,
    succeeded: 0,
    failed: 0,
    failures: [],
  }
  await jobs.add(job)
  return { JobId: job.id }
}

function sourceOf(
  jobs: Jobs,
  input: CreateJobRequest,
): { sourceBucket: string; filter: JobFilter } {
  const operations = Object.keys(input.Operation ?? {})
  if (operations.length !== 1) throw invalid('A job has exactly one operation.')
  if (operations[0] !== 'S3ReplicateObject') {
    throw invalid(`The operation ${operations[0]} is not available in an embedded region.`)
  }
  if (input.Manifest) throw invalid('A job that replicates has its manifest generated here.')
  if (input.Tags?.length) throw invalid('Tags of jobs are not available in an embedded region.')
  if (input.Report?.Enabled) throw invalid('Reports are not available in an embedded region.')
  const generator = input.ManifestGenerator?.S3JobManifestGenerator
  if (!generator) throw invalid('A ManifestGenerator is required.')
  if (generator.EnableManifestOutput || generator.ManifestOutputLocation) {
    throw invalid('The output of a manifest is not available in an embedded region.')
  }
  const expected = generator.ExpectedBucketOwner ?? jobs.o.accountId
  const sourceBucket = /^arn:aws:s3:::([^/*]+)$/.exec(generator.SourceBucket ?? '')?.[1]
  if (sourceBucket === undefined || expected !== jobs.o.accountId) {
    throw invalid('SourceBucket is not the ARN of a bucket of this account.')
  }
  if (!jobs.o.source.hasBucket(sourceBucket))
    throw invalid('The source bucket does not exist here.')
  return { sourceBucket, filter: filterOf(generator.Filter) }
}

type Filter = NonNullable<
  NonNullable<
    NonNullable<CreateJobRequest['ManifestGenerator']>['S3JobManifestGenerator']
  >['Filter']
>

function filterOf(filter: Filter = {}): JobFilter {
  const { KeyNameConstraint: names, ObjectReplicationStatuses: statuses } = filter
  for (const member of UNAVAILABLE) {
    if (filter[member] !== undefined) throw invalid(`The filter ${member} is not available.`)
  }
  if (filter.EligibleForReplication !== true) {
    throw invalid('EligibleForReplication must be true for S3ReplicateObject.')
  }
  for (const status of statuses ?? []) {
    if (!STATUSES.has(status)) throw invalid(`'${status}' is no replication status.`)
  }
  return {
    eligible: filter.EligibleForReplication,
    createdAfterMs: filter.CreatedAfter?.getTime(),
    createdBeforeMs: filter.CreatedBefore?.getTime(),
    statuses,
    prefixes: names?.MatchAnyPrefix,
    suffixes: names?.MatchAnySuffix,
    substrings: names?.MatchAnySubstring,
  }
}

const UNAVAILABLE = [
  'ObjectSizeGreaterThanBytes',
  'ObjectSizeLessThanBytes',
  'MatchAnyStorageClass',
  'MatchAnyObjectEncryption',
] as const

function invalid(message: string): S3ControlFault {
  return new S3ControlFault('InvalidRequestException', message)
}
