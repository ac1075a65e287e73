import {
  DescribeJobCommand,
  ListJobsCommand,
  type S3ControlClient,
  UpdateJobPriorityCommand,
  UpdateJobStatusCommand,
} from '@aws-sdk/client-s3-control'
import { expect, test } from 'vitest'
import { AccountId, jobsUnderTest } from './jobs-under-test.ts'

const { control, create, describe, jobRole, reached, late, keysThere, userWith } = jobsUnderTest()

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

test('nobody makes, sees or changes jobs who may not', async () => {
  const { source, destination } = await late('denied', ['key'])
  const role = await jobRole('denied-batch')
  const made = await create(source, role, { ConfirmationRequired: true })
  await reached(made, 'Suspended')
  const all = ['s3:CreateJob', 's3:DescribeJob', 's3:ListJobs', 's3:UpdateJob*', 'iam:PassRole']
  const attempts: Record<string, (client: S3ControlClient) => Promise<unknown>> = {
    's3:CreateJob': (client) => create(source, role, { client }),
    'iam:PassRole': (client) => create(source, role, { client }),
    's3:DescribeJob': (client) => client.send(new DescribeJobCommand({ AccountId, JobId: made })),
    's3:ListJobs': (client) => client.send(new ListJobsCommand({ AccountId })),
    's3:UpdateJob*': (client) =>
      client.send(
        new UpdateJobStatusCommand({ AccountId, JobId: made, RequestedJobStatus: 'Ready' }),
      ),
  }
  for (const [lacking, call] of Object.entries(attempts)) {
    const client = await userWith(
      `without-${lacking.replace(/\W/g, '-')}`,
      all.filter((action) => action !== lacking),
    )
    await expect(call(client)).rejects.toMatchObject({
      name: 'AccessDenied',
      $metadata: { httpStatusCode: 403 },
    })
    await expect(
      client.send(new DescribeJobCommand({ AccountId: '111111111111', JobId: made })),
    ).rejects.toMatchObject({ name: 'AccessDenied' })
  }
  const { Jobs = [] } = await control().send(new ListJobsCommand({ AccountId }))
  const ours = await Promise.all(Jobs.map(({ JobId }) => describe(JobId!)))
  expect(ours.filter(({ RoleArn }) => RoleArn === role)).toMatchObject([{ Status: 'Suspended' }])
  expect(await keysThere(destination)).toEqual([])
})
