import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemRandom } from '../../../src/core/random.ts'
import { ObjectStore } from '../../../src/objectstore/object-store.ts'
import { PolicyAuthorizer } from '../../../src/region/iam/authorizer.ts'
import { Iam } from '../../../src/region/iam/iam.ts'
import { RoleSessions } from '../../../src/region/iam/role-sessions.ts'
import { Peers } from '../../../src/region/peer/peers.ts'
import { DEFAULTS_OF_TODAY } from '../../../src/region/s3/bucket-defaults.ts'
import { BucketDirectory } from '../../../src/region/s3/bucket-directory.ts'
import { s3FaultNamed } from '../../../src/region/s3/faults.ts'
import type { ReplicationOutcome } from '../../../src/region/s3/replication/replication.ts'
import { replicationOf } from '../../../src/region/s3/replication/state.ts'
import { S3 } from '../../../src/region/s3/s3.ts'
import { until } from '../../trials/trial-region.ts'
import { AdjustableClock } from '../region-under-test.ts'

const ACCOUNT = '000000000000'
const RULE = {
  ID: 'all',
  Status: 'Enabled',
  Prefix: 'in/',
  Destination: { Bucket: 'arn:aws:s3:::destination' },
}
const SETTING = { Role: `arn:aws:iam::${ACCOUNT}:role/absent`, Rules: [RULE] }

describe('the queue of replication', () => {
  let folder: string
  let iam: Iam
  let s3: S3
  const clock = new AdjustableClock()
  const errors: unknown[] = []

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-queue-'))
    await open()
  })
  afterEach(async () => {
    await close()
    await rm(folder, { recursive: true })
    expect(errors).toEqual([])
  })

  const open = async () => {
    const random = systemRandom
    const encryptionKey = Buffer.alloc(32, 7)
    const store = await ObjectStore.open({
      folder: join(folder, 's3'),
      encryptionKey,
      clock,
      random,
    })
    const here = { folder: join(folder, 'buckets'), region: 'ap-southeast-1', random }
    iam = await Iam.open({
      ...{ accountId: ACCOUNT, folder: join(folder, 'iam'), delayMs: 0 },
      ...{ clock, random },
    })
    const authorizer = new PolicyAuthorizer(iam)
    const sessions = new RoleSessions(iam, authorizer)
    const endpoint = () => 'http://127.0.0.1:1'
    const { region } = here
    s3 = new S3({
      ...{ region: here.region, accountId: ACCOUNT, store, clock, random },
      ...{
        findPolicyProblem: () => undefined,
        lifecycleDayMs: 86_400_000,
        keys: { get: () => undefined },
      },
      bucketDefaults: DEFAULTS_OF_TODAY,
      authorize: authorizer.authorize,
      directory: await BucketDirectory.open(here, store),
      peer: new Peers({ region, endpoint, keys: sessions, clock }).of(
        's3.amazonaws.com',
        s3FaultNamed,
      ),
      replication: {
        sessions,
        endpoint,
        onError: (error) => errors.push(error),
      },
    })
  }
  const close = async () => {
    await s3.replication.close()
    await s3.store.close()
    await iam.close()
  }
  const bucketWithRule = async () => {
    const bucket = await s3.store.createBucket('source', { versioning: 'enabled' })
    const before = await bucket.put('in/before', Buffer.from('before'))
    await bucket.setSetting('replication', SETTING)
    return { bucket, before }
  }

  test('tells what is pending, also after a restart', async () => {
    const { bucket } = await bucketWithRule()
    const oldestAt = clock.now()
    await bucket.put('in/a', Buffer.alloc(10), { outbox: s3.replication.ofWrite(bucket) })
    clock.forward(5000)
    await bucket.put('in/b', Buffer.alloc(20), { outbox: s3.replication.ofWrite(bucket) })
    await bucket.put('out/c', Buffer.alloc(40), { outbox: s3.replication.ofWrite(bucket) })
    for (const turn of [1, 2]) {
      const [pending, ...others] = s3.replication.pending()
      expect(others, `turn ${turn}`).toEqual([])
      expect(pending).toMatchObject({
        ...{ bucket: 'source', ruleId: 'all', destination: 'destination' },
        ...{ operations: 2, bytes: 30, destinationRegion: undefined },
      })
      expect(Math.abs(pending!.oldestAt.getTime() - oldestAt.getTime())).toBeLessThan(1000)
      await close()
      await open()
    }
  })

  test('queues what is there already when it is asked to, whatever became of it before', async () => {
    const { bucket, before } = await bucketWithRule()
    const outside = await bucket.put('out/x', Buffer.from('x'))
    const outcomes: ReplicationOutcome[] = []
    s3.replication.onOutcome = (outcome) => outcomes.push(outcome)
    s3.replication.start()
    const state = () => replicationOf(bucket.find(before.key, before.versionId)!)
    expect(state()).toBeUndefined()

    const enqueue = (key: string, id: string) => s3.replication.enqueue(bucket, key, id)
    for (const times of [1, 2]) {
      expect(await enqueue(before.key, before.versionId)).toBe('queued')
      await until('it has an outcome', 60_000, async () => outcomes.length === times)
      expect(state()).toMatchObject({
        status: 'FAILED',
        destinations: { destination: { failureReason: 'AssumeRoleNotPermitted', pending: 0 } },
      })
    }
    expect(s3.replication.pending()).toEqual([])
    expect(s3.store.outbox.size).toBe(0)
    expect(await enqueue(outside.key, outside.versionId)).toBe('SrcObjectNotEligible')
    expect(await enqueue('absent', before.versionId)).toBe('SrcObjectNotFound')
    await bucket.setSetting('replication', undefined)
    const missing = 'SrcBucketReplicationConfigMissing'
    expect(await enqueue(before.key, before.versionId)).toBe(missing)
    expect(s3.store.outbox.size).toBe(0)
  })

  test('forgets versions that were deleted before they could leave', async () => {
    const { bucket } = await bucketWithRule()
    const { versionId } = await bucket.put('in/a', Buffer.alloc(10), {
      outbox: s3.replication.ofWrite(bucket),
    })
    await bucket.delete('in/a', { versionId })
    expect(s3.store.outbox.size).toBe(1)
    s3.replication.start()
    await until('the queue is empty', 60_000, async () => s3.store.outbox.size === 0)
  })
})
