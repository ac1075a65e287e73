import {
  S3ControlFault,
  type UpdateJobPriorityRequest,
  type UpdateJobPriorityResult,
  type UpdateJobStatusRequest,
  type UpdateJobStatusResult,
} from '../protocol/models/s3-control.ts'
import { isEnded, type Job } from './job.ts'
import type { Jobs } from './jobs.ts'

/** Confirms a job that waits for it, or cancels one. @throws S3ControlFault `JobStatusException`, `NotFoundException` */
export async function updateJobStatus(
  jobs: Jobs,
  input: UpdateJobStatusRequest,
): Promise<UpdateJobStatusResult> {
  const asked = input.RequestedJobStatus
  if (asked !== 'Ready' && asked !== 'Cancelled') {
    throw new S3ControlFault('InvalidRequestException', 'A job is made Ready or Cancelled.')
  }
  const job = await jobs.change(input.JobId ?? '', (now) => {
    if (isEnded(now) || (asked === 'Ready' && now.status !== 'Suspended')) throw wrongStatus(now)
    const to = asked === 'Ready' ? ({ status: 'Ready', isConfirmed: true } as const) : CANCELLED
    return { ...now, ...to, statusUpdateReason: input.StatusUpdateReason }
  })
  return { JobId: job.id, Status: job.status, StatusUpdateReason: job.statusUpdateReason }
}

const CANCELLED = { status: 'Cancelling' } as const

/** @throws S3ControlFault `InvalidRequestException`, `JobStatusException`, `NotFoundException` */
export async function updateJobPriority(
  jobs: Jobs,
  input: UpdateJobPriorityRequest,
): Promise<UpdateJobPriorityResult> {
  const priority = checkPriority(input.Priority)
  const job = await jobs.change(input.JobId ?? '', (now) => {
    if (isEnded(now)) throw wrongStatus(now)
    return { ...now, priority }
  })
  return { JobId: job.id, Priority: job.priority }
}

/** Unlike AWS: jobs run beside each other, whatever their priorities. */
export function checkPriority(priority: number | undefined): number {
  if (priority !== undefined && Number.isInteger(priority) && priority >= 0) {
    if (priority <= 2 ** 31 - 1) return priority
  }
  throw new S3ControlFault('InvalidRequestException', 'Priority is a number from 0 to 2147483647.')
}

function wrongStatus({ id, status }: Job): S3ControlFault {
  return new S3ControlFault('JobStatusException', `The job ${id} is ${status}.`)
}
