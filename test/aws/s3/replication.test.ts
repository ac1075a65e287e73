import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { HERE, THERE, twoRegions } from './two-regions.ts'

const world = twoRegions()

describe('replication to another region', () => {
  test('copies an object under the role of the rule', async () => {
    const source = await world.bucket(HERE, 'first-source')
    const destination = await world.bucket(THERE, 'first-destination')
    const role = await world.role('first', source, [destination])
    await world.replicate(HERE, source, role, [
      {
        ID: 'all',
        Status: 'Enabled',
        Prefix: '',
        Destination: { Bucket: `arn:aws:s3:::${destination}` },
      },
    ])
    const put = await world
      .s3(HERE)
      .send(
        new PutObjectCommand({ Bucket: source, Key: 'a/ü?', Body: 'hello', Metadata: { a: 'b' } }),
      )
    await until('it is complete', 10_000, async () => {
      return (await world.status(HERE, source, 'a/ü?')) === 'COMPLETED'
    })
    const got = await world
      .s3(THERE)
      .send(new GetObjectCommand({ Bucket: destination, Key: 'a/ü?' }))
    expect(await got.Body!.transformToString()).toBe('hello')
    expect(got).toMatchObject({
      VersionId: put.VersionId,
      ETag: put.ETag,
      Metadata: { a: 'b' },
      ReplicationStatus: 'REPLICA',
    })
  })
})
