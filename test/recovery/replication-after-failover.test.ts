import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type ReplicationRule,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { HERE, THERE, twoRegions } from '../aws/s3/two-regions.ts'
import { until } from '../trials/trial-region.ts'

const world = twoRegions()

const ruleTo = (bucket: string): ReplicationRule => ({
  ID: 'all',
  Status: 'Enabled',
  Prefix: '',
  Destination: { Bucket: `arn:aws:s3:::${bucket}` },
})

/** Two buckets that replicate to each other. */
async function ring(name: string) {
  const here = await world.bucket(HERE, `${name}-here`)
  const there = await world.bucket(THERE, `${name}-there`)
  await world.replicate(HERE, here, await world.role(name, here, [there]), [ruleTo(there)])
  const back = await world.role(`${name}-back`, there, [here])
  await world.replicate(THERE, there, back, [ruleTo(here)])
  return { here, there }
}

const put = (region: string, Bucket: string, Key: string, Body: string) =>
  world.s3(region).send(new PutObjectCommand({ Bucket, Key, Body }))
const remove = (region: string, Bucket: string, Key: string) =>
  world.s3(region).send(new DeleteObjectCommand({ Bucket, Key }))

const text = async (region: string, Bucket: string, Key: string, VersionId?: string) => {
  const got = await world.s3(region).send(new GetObjectCommand({ Bucket, Key, VersionId }))
  return await got.Body!.transformToString()
}

describe('a region that was away', () => {
  test('only delays: it gets what it has missed by itself, also after the source was killed', async () => {
    const { here, there } = await ring('away')
    await world.kill(THERE)
    const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`)
    await Promise.all(keys.map((key) => put(HERE, here, key, key)))
    expect(await world.status(HERE, here, 'key-0')).toBe('PENDING')
    await world.kill(HERE)
    await world.start(HERE)
    expect(await world.status(HERE, here, 'key-49')).toBe('PENDING')
    await world.start(THERE)
    await until('all have arrived', 60_000, async () => {
      return (await world.versions(THERE, there)).length === keys.length
    })
    await until('the source knows', 60_000, async () => {
      const statuses = await Promise.all(keys.map((key) => world.status(HERE, here, key)))
      return statuses.every((status) => status === 'COMPLETED')
    })
    expect(await world.versions(THERE, there)).toEqual(await world.versions(HERE, here))
  })

  test('drains its queue behind what was written elsewhere since: old content never is the latest', async () => {
    const { here, there } = await ring('failover')
    const first = await put(HERE, here, 'order', 'first')
    await put(HERE, here, 'cart', 'first')
    await until('all is there', 60_000, async () => {
      return (await world.versions(THERE, there)).length === 2
    })
    // What is written last here cannot leave, and then the region is lost.
    await world.kill(THERE)
    const old = await put(HERE, here, 'order', 'old')
    const deleted = await remove(HERE, here, 'cart')
    await world.kill(HERE)
    // The other region has taken over.
    await world.start(THERE)
    expect(await text(THERE, there, 'order')).toBe('first')
    const taken = await put(THERE, there, 'order', 'new')
    const cart = await put(THERE, there, 'cart', 'new')
    await world.start(HERE)
    await until('both sides know the same', 60_000, async () => {
      const [a, b] = [await world.versions(HERE, here), await world.versions(THERE, there)]
      return a.length === 6 && JSON.stringify(a) === JSON.stringify(b)
    })
    for (const [region, bucket] of [
      [HERE, here],
      [THERE, there],
    ] as const) {
      expect(await text(region, bucket, 'order')).toBe('new')
      expect(await text(region, bucket, 'cart')).toBe('new')
      expect(await text(region, bucket, 'order', old.VersionId)).toBe('old')
      const ids = async (name: string) =>
        (await world.versions(region, bucket))
          .filter(({ key }) => key === name)
          .map(({ versionId }) => versionId)
      expect(await ids('order')).toEqual([taken.VersionId, old.VersionId, first.VersionId])
      expect((await ids('cart')).slice(0, 2)).toEqual([cart.VersionId, deleted.VersionId])
    }
  })
})
