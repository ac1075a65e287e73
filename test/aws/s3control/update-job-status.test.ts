import {
  ListJobsCommand,
  UpdateJobPriorityCommand,
  UpdateJobStatusCommand,
} from '@aws-sdk/client-s3-control'
import { expect, test } from 'vitest'
import { AccountId, jobsUnderTest } from './jobs-under-test.ts'

const { control, create, jobRole, reached, late, keysThere } = jobsUnderTest()

const update = (JobId: string, RequestedJobStatus: 'Ready' | 'Cancelled') =>
  control().send(new UpdateJobStatusCommand({ AccountId, JobId, RequestedJobStatus }))

test('a job waits for its confirmation, and a cancelled one does nothing', async () => {
  const { source, destination } = await late('confirm', ['key'])
  const role = await jobRole('confirm-batch')
  const waiting = { ConfirmationRequired: true }
  const cancelled = await create(source, role, { ...waiting, ClientRequestToken: 'a' })
  const job = await reached(cancelled, 'Suspended')
  expect(job).toMatchObject({ SuspendedCause: 'AWAITING_CONFIRMATION' })
  expect(job.ProgressSummary?.TotalNumberOfTasks).toBe(1)
  await update(cancelled, 'Cancelled')
  await reached(cancelled, 'Cancelled')
  await expect(update(cancelled, 'Ready')).rejects.toMatchObject({ name: 'JobStatusException' })
  expect(await keysThere(destination)).toEqual([])

  const confirmed = await create(source, role, { ...waiting, ClientRequestToken: 'b' })
  await reached(confirmed, 'Suspended')
  const raised = await control().send(
    new UpdateJobPriorityCommand({ AccountId, JobId: confirmed, Priority: 7 }),
  )
  expect(raised.Priority).toBe(7)
  await update(confirmed, 'Ready')
  expect((await reached(confirmed, 'Complete')).Priority).toBe(7)
  expect(await keysThere(destination)).toEqual(['key'])

  const { Jobs = [] } = await control().send(
    new ListJobsCommand({ AccountId, JobStatuses: ['Complete'] }),
  )
  expect(Jobs.map(({ JobId }) => JobId)).toEqual([confirmed])
})

test('a job that is not there is not found', async () => {
  await expect(update('no-such-job', 'Ready')).rejects.toMatchObject({ name: 'NotFoundException' })
})
