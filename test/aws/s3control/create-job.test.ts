import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { HERE, THERE } from '../s3/two-regions.ts'
import { jobsUnderTest } from './jobs-under-test.ts'

const { world, create, jobRole, reached, late, keysThere, put } = jobsUnderTest()

test('a job replicates what is older than the rule, and once', async () => {
  const { source, destination } = await late('old', ['a/1', 'a/2', 'b/1'])
  expect(await keysThere(destination)).toEqual([])
  const role = await jobRole('old-batch')
  const filter = {
    KeyNameConstraint: { MatchAnyPrefix: ['a/'] },
    ObjectReplicationStatuses: ['NONE'],
  }
  const job = await reached(await create(source, role, { filter }), 'Complete')
  expect(job.ProgressSummary).toMatchObject({
    TotalNumberOfTasks: 2,
    NumberOfTasksSucceeded: 2,
    NumberOfTasksFailed: 0,
  })
  expect(await keysThere(destination)).toEqual(['a/1', 'a/2'])
  const again = await reached(await create(source, role, { filter }), 'Failed')
  expect(again.ProgressSummary?.TotalNumberOfTasks).toBe(0)
  expect(again.FailureReasons?.[0]?.FailureReason).toBe(
    'Manifest generation found no keys matching the filter criteria.',
  )
  expect(await keysThere(destination)).toEqual(['a/1', 'a/2'])
})

test('a job replicates what has failed', async () => {
  const { source, destination } = await late('failed', [])
  await world.revoke('failed-replication')
  await put(source, 'key')
  const status = async () => {
    const head = await world.s3(HERE).send(new HeadObjectCommand({ Bucket: source, Key: 'key' }))
    return head.ReplicationStatus
  }
  await until('the object has failed', 60_000, async () => (await status()) === 'FAILED')
  const role = await jobRole('failed-batch')
  const filter = { ObjectReplicationStatuses: ['FAILED'] }
  const vain = await reached(await create(source, role, { filter }), 'Complete')
  expect(vain.ProgressSummary).toMatchObject({ NumberOfTasksFailed: 1, NumberOfTasksSucceeded: 0 })
  expect(await keysThere(destination)).toEqual([])

  await world.grant('failed-replication', source, [destination])
  const job = await reached(await create(source, role, { filter }), 'Complete')
  expect(job.ProgressSummary).toMatchObject({ NumberOfTasksFailed: 0, NumberOfTasksSucceeded: 1 })
  expect(await status()).toBe('COMPLETED')
  expect(await keysThere(destination)).toEqual(['key'])
})

test.each([
  ['untrusted', { service: 's3.amazonaws.com' }],
  ['no-configuration', { without: 's3:GetReplicationConfiguration' }],
  ['no-inventory', { without: 's3:PutInventoryConfiguration' }],
])('a job fails whose role is %s', async (name, o) => {
  const { source, destination } = await late(name, ['key'])
  const job = await reached(await create(source, await jobRole(`${name}-batch`, o)), 'Failed')
  expect(job.FailureReasons?.[0]?.FailureCode).toBe('AccessDenied')
  expect(await keysThere(destination)).toEqual([])
})

test('a task fails when the role may not initiate replication', async () => {
  const { source, destination } = await late('no-initiate', ['key'])
  const role = await jobRole('no-initiate-batch', { without: 's3:InitiateReplication' })
  const job = await reached(await create(source, role), 'Complete')
  expect(job.ProgressSummary).toMatchObject({ NumberOfTasksFailed: 1, NumberOfTasksSucceeded: 0 })
  expect(await keysThere(destination)).toEqual([])
})

test('a job goes on whose region is killed when it was made and amid its tasks, and doubles nothing', async () => {
  const keys = Array.from({ length: 150 }, (_, index) => `key-${1000 + index}`)
  const { source, destination } = await late('killed', keys)
  const role = await jobRole('killed-batch')
  // While the other region is away, no task can end.
  await world.kill(THERE)
  const id = await create(source, role, { ClientRequestToken: 'once' })
  await world.kill(HERE)
  await world.start(HERE)
  expect(await create(source, role, { ClientRequestToken: 'once' })).toBe(id)
  await reached(id, 'Active')
  await until('its tasks are under way', 60_000, async () => {
    return (await world.status(HERE, source, keys[0]!)) === 'PENDING'
  })
  await world.kill(HERE)
  await world.start(HERE)
  const amid = await reached(id, 'Active')
  expect(amid.ProgressSummary).toMatchObject({ NumberOfTasksSucceeded: 0, NumberOfTasksFailed: 0 })
  await world.start(THERE)
  const job = await reached(id, 'Complete')
  expect(job.ProgressSummary).toMatchObject({
    TotalNumberOfTasks: 150,
    NumberOfTasksSucceeded: 150,
  })
  expect(await keysThere(destination)).toEqual(keys)
})

test('every other operation, reports and tags are refused', async () => {
  const { source } = await late('other', [])
  const role = await jobRole('other-batch')
  const refusal = { name: 'InvalidRequestException' }
  const operation = { S3DeleteObjectTagging: {} }
  await expect(create(source, role, { Operation: operation })).rejects.toMatchObject(refusal)
  const Report = { Enabled: true, Bucket: `arn:aws:s3:::${source}` }
  await expect(create(source, role, { Report })).rejects.toMatchObject(refusal)
  const Tags = [{ Key: 'team', Value: 'shop' }]
  await expect(create(source, role, { Tags })).rejects.toMatchObject(refusal)
})
