import {
  type DescribeJobRequest,
  type DescribeJobResult,
  type JobProgressSummary,
  type ListJobsRequest,
  type ListJobsResult,
  S3ControlFault,
} from '../protocol/models/s3-control.ts'
import type { Job } from './job.ts'
import type { Jobs } from './jobs.ts'

/** @throws S3ControlFault `NotFoundException` */
export async function describeJob(
  jobs: Jobs,
  { JobId = '' }: DescribeJobRequest,
): Promise<DescribeJobResult> {
  const job = jobs.get(JobId)
  const { filter } = job
  const names = {
    MatchAnyPrefix: filter.prefixes as string[] | undefined,
    MatchAnySuffix: filter.suffixes as string[] | undefined,
    MatchAnySubstring: filter.substrings as string[] | undefined,
  }
  const hasNames = Object.values(names).some((parts) => parts !== undefined)
  return {
    Job: {
      ...summaryOf(job, jobs.o.clock.now()),
      Operation: { S3ReplicateObject: {} },
      JobArn: jobs.arnOf(job.id),
      ConfirmationRequired: job.confirmationRequired,
      RoleArn: job.roleArn,
      Report: job.report,
      FailureReasons: [...job.failures],
      StatusUpdateReason: job.statusUpdateReason,
      SuspendedDate: dateOf(job.suspendedAtMs),
      SuspendedCause: job.status === 'Suspended' ? 'AWAITING_CONFIRMATION' : undefined,
      ManifestGenerator: {
        S3JobManifestGenerator: {
          SourceBucket: `arn:aws:s3:::${job.sourceBucket}`,
          EnableManifestOutput: false,
          Filter: {
            EligibleForReplication: filter.eligible,
            CreatedAfter: dateOf(filter.createdAfterMs),
            CreatedBefore: dateOf(filter.createdBeforeMs),
            ObjectReplicationStatuses: filter.statuses as never,
            KeyNameConstraint: hasNames ? names : undefined,
          },
        },
      },
    },
  }
}

/** Newest first. @throws S3ControlFault `InvalidNextTokenException` */
export async function listJobs(jobs: Jobs, input: ListJobsRequest): Promise<ListJobsResult> {
  const { JobStatuses: statuses = [], MaxResults: limit = 1000, NextToken: token } = input
  const wanted = jobs
    .list()
    .filter(({ status }) => statuses.length === 0 || statuses.includes(status))
  const from = token === undefined ? 0 : wanted.findIndex(({ id }) => id === token)
  if (from < 0) throw new S3ControlFault('InvalidNextTokenException', 'The token is not known.')
  const next = wanted[from + limit]?.id
  const now = jobs.o.clock.now()
  return {
    Jobs: wanted.slice(from, from + limit).map((job) => ({
      ...summaryOf(job, now),
      Operation: 'S3ReplicateObject' as const,
    })),
    ...(next === undefined ? {} : { NextToken: next }),
  }
}

function summaryOf(job: Job, now: Date) {
  const activeMs = job.activeAtMs && (job.endedAtMs ?? now.getTime()) - job.activeAtMs
  return {
    JobId: job.id,
    Description: job.description,
    Priority: job.priority,
    Status: job.status,
    CreationTime: new Date(job.createdAtMs),
    TerminationDate: dateOf(job.endedAtMs),
    ProgressSummary: {
      TotalNumberOfTasks: job.total,
      NumberOfTasksSucceeded: job.succeeded,
      NumberOfTasksFailed: job.failed,
      Timers: { ElapsedTimeInActiveSeconds: Math.floor((activeMs ?? 0) / 1000) },
    } satisfies JobProgressSummary,
  }
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}
