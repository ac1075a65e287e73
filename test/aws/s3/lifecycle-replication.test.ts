import {
  DeleteBucketReplicationCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  type LifecycleRule,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { HERE, THERE, twoRegions } from './two-regions.ts'

const world = twoRegions()

/** By the first form of a rule, delete markers go to the destination. */
async function replicating(name: string) {
  const source = await world.bucket(HERE, `${name}-source`)
  const destination = await world.bucket(THERE, `${name}-destination`)
  const role = await world.role(`${name}-role`, source, [destination])
  const Destination = { Bucket: `arn:aws:s3:::${destination}` }
  await world.replicate(HERE, source, role, [
    { ID: 'all', Status: 'Enabled', Prefix: '', Destination },
  ])
  const put = (Key: string) =>
    world.s3(HERE).send(new PutObjectCommand({ Bucket: source, Key, Body: Key }))
  return { source, destination, put, role: `${name}-role` }
}

async function expireNow(Bucket: string, ...prefixes: string[]): Promise<void> {
  const Rules = prefixes.map(
    (Prefix): LifecycleRule => ({
      ID: Prefix,
      Status: 'Enabled',
      Filter: { Prefix },
      Expiration: { Date: new Date('2020-01-01T00:00:00Z') },
    }),
  )
  await world
    .s3(HERE)
    .send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }))
}

const hidden = async (region: string, bucket: string) => {
  const versions = await world.versions(region, bucket)
  return versions.filter(({ isMarker }) => isMarker).map(({ key }) => key)
}

test('a delete marker that a lifecycle rule makes is not replicated, one that a user makes is', async () => {
  const { source, destination, put } = await replicating('expired')
  for (const key of ['expires', 'user']) await put(key)
  for (const key of ['expires', 'user']) {
    await until(`${key} has arrived`, 60_000, async () => {
      return (await world.status(HERE, source, key)) === 'COMPLETED'
    })
  }
  await expireNow(source, 'expires')
  await until('the rule has acted', 60_000, async () =>
    (await hidden(HERE, source)).includes('expires'),
  )
  await world.s3(HERE).send(new DeleteObjectCommand({ Bucket: source, Key: 'user' }))
  await until("the user's marker has arrived", 20_000, async () => {
    return (await hidden(THERE, destination)).includes('user')
  })
  expect(await hidden(THERE, destination)).toEqual(['user'])
})

test('what could not be replicated stays until there is no replication', async () => {
  const { source, put, role } = await replicating('failed')
  await world.revoke(role)
  await put('unreplicated')
  await until('it has failed', 60_000, async () => {
    return (await world.status(HERE, source, 'unreplicated')) === 'FAILED'
  })
  // The last key shows that the run has passed the first one: written before there was a rule for it.
  await world.s3(HERE).send(new DeleteBucketReplicationCommand({ Bucket: source }))
  await put('zz-never-queued')
  const other = await world.bucket(THERE, 'failed-destination-too')
  const again = await world.role('failed-again', source, [other])
  await world.replicate(HERE, source, again, [
    {
      ID: 'later',
      Status: 'Enabled',
      Prefix: 'later',
      Destination: { Bucket: `arn:aws:s3:::${other}` },
    },
  ])
  await expireNow(source, 'unreplicated', 'zz')
  await until('the rules have acted', 60_000, async () =>
    (await hidden(HERE, source)).includes('zz-never-queued'),
  )
  expect(await hidden(HERE, source)).toEqual(['zz-never-queued'])
  await world.s3(HERE).send(new DeleteBucketReplicationCommand({ Bucket: source }))
  await expireNow(source, 'unreplicated')
  await until('it is hidden', 60_000, async () =>
    (await hidden(HERE, source)).includes('unreplicated'),
  )
})

test('a run whose region is killed goes on, to its end and no further', async () => {
  const bucket = await world.bucket(HERE, 'killed-run')
  const keys = Array.from({ length: 600 }, (_, index) => `gone/${10_000 + index}`)
  for (let at = 0; at < keys.length; at += 100) {
    const some = [...keys.slice(at, at + 100), `kept/${at}`]
    await Promise.all(
      some.map((Key) =>
        world.s3(HERE).send(new PutObjectCommand({ Bucket: bucket, Key, Body: '' })),
      ),
    )
  }
  await expireNow(bucket, 'gone/')
  const count = async () => (await hidden(HERE, bucket)).length
  const isHidden = async (Key: string) => {
    const head = new HeadObjectCommand({ Bucket: bucket, Key })
    return await world
      .s3(HERE)
      .send(head)
      .then(
        () => false,
        (error) => error.name === 'NotFound',
      )
  }
  await until('the run has begun', 60_000, () => isHidden(keys[0]!))
  expect(await isHidden(keys.at(-1)!), 'it must be killed in the middle').toBe(false)
  await world.kill(HERE)
  await world.start(HERE)
  await until('the run has ended', 60_000, async () => (await count()) === keys.length)
  // Nothing was hidden twice, and nothing else.
  const versions = await world.versions(HERE, bucket)
  expect(versions.filter(({ isMarker }) => isMarker).map(({ key }) => key)).toEqual(keys)
  expect(versions.filter(({ key }) => key.startsWith('kept/'))).toHaveLength(6)
})
