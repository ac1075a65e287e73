import {
  CreateJobCommand,
  DescribeJobCommand,
  type JobStatus,
  type S3ControlClient,
} from '@aws-sdk/client-s3-control'
import { LifeboatError } from '../core/errors.ts'
import type { Calls } from './calls.ts'

/** An S3 Batch Replication job, as far as it has come. */
export interface BatchJob {
  readonly id: string
  readonly status: 'preparing' | 'running' | 'completed' | 'failed' | 'canceled'
  /** Versions that the job has found, and what has become of them. */
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  /** Why the job as a whole did not work. */
  readonly reasons: readonly string[]
}

/** S3 Batch Replication, of one region. Every method throws as `Calls` says. */
export class BatchReplication {
  constructor(
    private readonly client: S3ControlClient,
    private readonly calls: Calls,
  ) {
    // The SDK puts the account before the host's name, and no resolver need know names under that of this machine.
    client.middlewareStack.add(
      (next) => async (args) => {
        const request = args.request as { hostname: string }
        if (/^\d{12}\.localhost$/.test(request.hostname)) request.hostname = '127.0.0.1'
        return next(args)
      },
      { step: 'build', priority: 'high' },
    )
  }

  /** An endpoint to which an account can be put in front: an address does not take a name. */
  static endpointOf(endpoint: string): string {
    return endpoint.replace(/^(https?:\/\/)127\.0\.0\.1(?=[:/]|$)/, '$1localhost')
  }

  /**
   * Begins a job that replicates what is older than its rule, and what has failed.
   *
   * @param o.role  an ARN, of a role that trusts `batchoperations.s3.amazonaws.com`
   * @param o.token  the same one begins no second job
   * @returns the job's id
   */
  async begin(o: { account: string; bucket: string; role: string; token: string }) {
    const { account, bucket, role, token } = o
    // Made anew for each attempt: the SDK does not send such a command twice.
    const command = () =>
      new CreateJobCommand({
        AccountId: account,
        ClientRequestToken: token,
        Description: `lifeboat objects backfill of ${bucket}`,
        ConfirmationRequired: false,
        Priority: 10,
        RoleArn: role,
        Operation: { S3ReplicateObject: {} },
        Report: { Enabled: false },
        ManifestGenerator: {
          S3JobManifestGenerator: {
            SourceBucket: `arn:aws:s3:::${bucket}`,
            EnableManifestOutput: false,
            Filter: { EligibleForReplication: true, ObjectReplicationStatuses: ['NONE', 'FAILED'] },
          },
        },
      })
    const { JobId } = await this.calls.repeat(`begin a batch replication of '${bucket}'`, () =>
      this.client.send(command()),
    )
    if (JobId) return JobId
    throw new LifeboatError('Unexpected', `the batch replication of '${bucket}' has no id`)
  }

  async describe(account: string, id: string): Promise<BatchJob> {
    const { Job } = await this.calls.read(`describe batch job '${id}'`, () =>
      this.client.send(new DescribeJobCommand({ AccountId: account, JobId: id })),
    )
    const { ProgressSummary: progress, FailureReasons = [] } = Job ?? {}
    return {
      id,
      status: STATUSES[Job?.Status ?? 'New'],
      total: progress?.TotalNumberOfTasks ?? 0,
      succeeded: progress?.NumberOfTasksSucceeded ?? 0,
      failed: progress?.NumberOfTasksFailed ?? 0,
      reasons: FailureReasons.map(({ FailureReason = '' }) => FailureReason),
    }
  }
}

const STATUSES: Readonly<Record<JobStatus, BatchJob['status']>> = {
  New: 'preparing',
  Preparing: 'preparing',
  Ready: 'preparing',
  Suspended: 'preparing',
  Active: 'running',
  Pausing: 'running',
  Paused: 'running',
  Completing: 'running',
  Complete: 'completed',
  Failing: 'running',
  Failed: 'failed',
  Cancelling: 'running',
  Cancelled: 'canceled',
}
