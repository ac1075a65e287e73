import { createHash, randomBytes } from 'node:crypto'
import { PutRolePolicyCommand } from '@aws-sdk/client-iam'
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  type ReplicationRule,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { HERE, THERE, twoRegions } from './two-regions.ts'

const world = twoRegions()
const arn = (bucket: string) => `arn:aws:s3:::${bucket}`

const first = (bucket: string, more: Partial<ReplicationRule> = {}): ReplicationRule => ({
  ID: `to-${bucket}`,
  Status: 'Enabled',
  Prefix: '',
  Destination: { Bucket: arn(bucket) },
  ...more,
})

const second = (
  bucket: string,
  Priority: number,
  Filter: ReplicationRule['Filter'],
  more: Partial<ReplicationRule> = {},
): ReplicationRule => ({
  ID: `to-${bucket}-${Priority}`,
  Status: 'Enabled',
  Priority,
  Filter,
  DeleteMarkerReplication: { Status: 'Disabled' },
  Destination: { Bucket: arn(bucket) },
  ...more,
})

/** Two buckets, by default in two regions, with a role between them. */
async function pair(name: string, { isLocked = false, from = HERE, to = THERE } = {}) {
  const source = await world.bucket(from, `${name}-source`, isLocked)
  const destination = await world.bucket(to, `${name}-destination`, isLocked)
  const role = await world.role(name, source, [destination, `${name}-second`])
  return { source, destination, role }
}

const put = (Bucket: string, Key: string, Body: string | Buffer = Key, more: object = {}) =>
  world.s3(HERE).send(new PutObjectCommand({ Bucket, Key, Body, ...more }))

const complete = (bucket: string, key: string, versionId?: string) =>
  until(`${key} is complete`, 60_000, async () => {
    const status = await world.status(HERE, bucket, key, versionId)
    if (status === 'FAILED') throw new Error(`${key} failed`)
    return status === 'COMPLETED'
  })

const listed = (region: string, bucket: string) => world.versions(region, bucket)

describe('a rule of the first form', () => {
  let source: string
  let destination: string
  let role: string
  beforeAll(async () => {
    ;({ source, destination, role } = await pair('first'))
    await put(source, 'before')
    await world.replicate(HERE, source, role, [first(destination)])
  })

  test('copies an object with all that belongs to it, under its version id', async () => {
    const about = {
      ContentType: 'text/x-order',
      CacheControl: 'no-store',
      Metadata: { shop: 'my-app' },
      Tagging: 'kind=receipt&month=5',
      StorageClass: 'STANDARD_IA',
    }
    const { VersionId, ETag } = await put(source, 'a/../ü +?', 'hello', about)
    await complete(source, 'a/../ü +?')
    const at = { Bucket: destination, Key: 'a/../ü +?' }
    const got = await world.s3(THERE).send(new GetObjectCommand(at))
    expect(await got.Body!.transformToString()).toBe('hello')
    const { Tagging: _, ...kept } = about
    expect(got).toMatchObject({ ...kept, VersionId, ETag, ReplicationStatus: 'REPLICA' })
    expect((await world.s3(THERE).send(new GetObjectTaggingCommand(at))).TagSet).toEqual([
      { Key: 'kind', Value: 'receipt' },
      { Key: 'month', Value: '5' },
    ])
  })

  test('copies versions, empty ones and copies, in their order and with their times', async () => {
    await put(source, 'key', 'one')
    await put(source, 'key', '')
    await put(source, 'key', 'three')
    await world
      .s3(HERE)
      .send(new CopyObjectCommand({ Bucket: source, Key: 'copy', CopySource: `${source}/key` }))
    await complete(source, 'copy')
    for (const { versionId } of (await listed(HERE, source)).filter(({ key }) => key === 'key')) {
      await complete(source, 'key', versionId)
    }
    const [here, there] = await Promise.all([listed(HERE, source), listed(THERE, destination)])
    expect(there.filter(({ key }) => key === 'key')).toHaveLength(3)
    expect(there).toEqual(here.filter(({ key }) => key !== 'before'))
  })

  test('copies delete markers, and never the end of a version', async () => {
    const kept = await put(source, 'deleted')
    await complete(source, 'deleted')
    const marker = await world
      .s3(HERE)
      .send(new DeleteObjectCommand({ Bucket: source, Key: 'deleted' }))
    const of = async () => (await listed(THERE, destination)).filter(({ key }) => key === 'deleted')
    await until('the marker is there', 60_000, async () => (await of()).length === 2)
    expect(await of()).toMatchObject([
      { versionId: marker.VersionId, isMarker: true, isLatest: true },
      { versionId: kept.VersionId, isMarker: false },
    ])
    for (const { VersionId } of [kept, marker]) {
      await world
        .s3(HERE)
        .send(new DeleteObjectCommand({ Bucket: source, Key: 'deleted', VersionId }))
    }
    await put(source, 'after-the-deletes')
    await complete(source, 'after-the-deletes')
    expect(await of()).toHaveLength(2)
  })

  test('leaves alone what only a customer has the key of', async () => {
    const key = Buffer.alloc(32, 'k')
    const sealed = {
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: key.toString('base64'),
      SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
    }
    const Key = 'sealed'
    const at = { Bucket: source, Key, ...sealed }
    await world.s3(HERE).send(new PutObjectCommand({ ...at, Body: 'sealed' }))
    const head = await world.s3(HERE).send(new HeadObjectCommand(at))
    expect(head.ReplicationStatus).toBeUndefined()
    await put(source, 'behind-it')
    await complete(source, 'behind-it')
    expect((await listed(THERE, destination)).some(({ key }) => key === Key)).toBe(false)
  })

  test('leaves alone what was there before it', async () => {
    expect(await world.status(HERE, source, 'before')).toBeUndefined()
    const there = await listed(THERE, destination)
    expect(there.some(({ key }) => key === 'before')).toBe(false)
  })

  test('copies an object that came in parts, and keeps its entity tag and parts', async () => {
    const at = { Bucket: source, Key: 'parts' }
    const s3 = world.s3(HERE)
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at))
    const bodies = [randomBytes(6 << 20), randomBytes(5 << 20), randomBytes(1234)]
    const Parts = await Promise.all(
      bodies.map(async (Body, index) => {
        const part = { ...at, UploadId, PartNumber: index + 1, Body }
        return { PartNumber: index + 1, ETag: (await s3.send(new UploadPartCommand(part))).ETag }
      }),
    )
    const { ETag } = await s3.send(
      new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }),
    )
    expect(ETag).toMatch(/-3"$/)
    await complete(source, 'parts')
    const there = { Bucket: destination, Key: 'parts' }
    const got = await world.s3(THERE).send(new GetObjectCommand(there))
    expect(got.ETag).toBe(ETag)
    const bytes = Buffer.from(await got.Body!.transformToByteArray())
    expect(bytes.equals(Buffer.concat(bodies))).toBe(true)
    const part = await world.s3(THERE).send(new HeadObjectCommand({ ...there, PartNumber: 2 }))
    expect(part).toMatchObject({ ContentLength: 5 << 20, PartsCount: 3 })
  })

  test('takes later changes of tags along', async () => {
    await put(source, 'tagged', 'body', { Tagging: 'a=1' })
    await complete(source, 'tagged')
    await world.s3(HERE).send(
      new PutObjectTaggingCommand({
        Bucket: source,
        Key: 'tagged',
        Tagging: { TagSet: [{ Key: 'a', Value: '2' }] },
      }),
    )
    const tags = async () =>
      (
        await world
          .s3(THERE)
          .send(new GetObjectTaggingCommand({ Bucket: destination, Key: 'tagged' }))
      ).TagSet
    await until('the tags are there', 60_000, async () => (await tags())?.[0]?.Value === '2')
    await complete(source, 'tagged')
  })
})

describe('rules of the second form', () => {
  test('take what their filters and priorities say, for each destination', async () => {
    const { source, destination, role } = await pair('second')
    const other = await world.bucket(THERE, 'second-second')
    await world.replicate(HERE, source, role, [
      second(destination, 1, { Prefix: 'logs/' }),
      second(
        destination,
        2,
        { And: { Prefix: 'logs/', Tags: [{ Key: 'cold', Value: 'y' }] } },
        {
          Destination: { Bucket: arn(destination), StorageClass: 'GLACIER_IR' },
        },
      ),
      second(other, 3, { Tag: { Key: 'cold', Value: 'y' } }),
      second(other, 4, { Prefix: 'never/' }, { Status: 'Disabled' }),
    ])
    await put(source, 'logs/plain')
    await put(source, 'logs/cold', 'x', { Tagging: 'cold=y' })
    await put(source, 'cold', 'x', { Tagging: 'cold=y' })
    await put(source, 'never/plain')
    for (const key of ['logs/plain', 'logs/cold', 'cold']) await complete(source, key)
    expect(await world.status(HERE, source, 'never/plain')).toBeUndefined()
    const keys = async (bucket: string) => (await listed(THERE, bucket)).map(({ key }) => key)
    expect(await keys(destination)).toEqual(['logs/cold', 'logs/plain'])
    expect(await keys(other)).toEqual(['cold', 'logs/cold'])
    const head = (Key: string) =>
      world.s3(THERE).send(new HeadObjectCommand({ Bucket: destination, Key }))
    expect((await head('logs/cold')).StorageClass).toBe('GLACIER_IR')
    expect((await head('logs/plain')).StorageClass).toBeUndefined()
  })

  test('leave delete markers behind unless they say so', async () => {
    const { source, destination, role } = await pair('markers')
    await world.replicate(HERE, source, role, [
      second(
        destination,
        1,
        { Prefix: 'with/' },
        { DeleteMarkerReplication: { Status: 'Enabled' } },
      ),
      second(destination, 2, { Prefix: 'without/' }),
    ])
    for (const key of ['without/a', 'with/a']) {
      await put(source, key)
      await complete(source, key)
      await world.s3(HERE).send(new DeleteObjectCommand({ Bucket: source, Key: key }))
    }
    await until('one marker is there', 60_000, async () => {
      return (await listed(THERE, destination)).some(({ isMarker }) => isMarker)
    })
    await put(source, 'without/z')
    await complete(source, 'without/z')
    const markers = (await listed(THERE, destination)).filter(({ isMarker }) => isMarker)
    expect(markers.map(({ key }) => key)).toEqual(['with/a'])
  })
})

describe('replicas', () => {
  test('are not replicated again, whichever way rules point', async () => {
    const { source, destination, role } = await pair('ring')
    const chained = await world.bucket(HERE, 'ring-chained')
    const back = await world.role('ring-back', destination, [source, chained])
    await world.replicate(HERE, source, role, [first(destination)])
    await world.replicate(THERE, destination, back, [
      second(source, 1, { Prefix: '' }),
      second(chained, 2, { Prefix: '' }),
    ])
    await put(source, 'from-here')
    await complete(source, 'from-here')
    await world
      .s3(THERE)
      .send(new PutObjectCommand({ Bucket: destination, Key: 'from-there', Body: 'x' }))
    await until('what was written there is here', 60_000, async () => {
      return (await world.status(THERE, destination, 'from-there')) === 'COMPLETED'
    })
    expect(await world.status(THERE, destination, 'from-here')).toBe('REPLICA')
    expect(await world.status(HERE, source, 'from-there')).toBe('REPLICA')
    expect((await listed(HERE, chained)).map(({ key }) => key)).toEqual(['from-there'])
    expect(await listed(HERE, source)).toEqual(await listed(THERE, destination))
  })

  test('send changes of their tags back where the rule there says so', async () => {
    const { source, destination, role } = await pair('sync')
    const back = await world.role('sync-back', destination, [source])
    await world.replicate(HERE, source, role, [second(destination, 1, { Prefix: '' })])
    await world.replicate(THERE, destination, back, [
      second(
        source,
        1,
        { Prefix: '' },
        {
          SourceSelectionCriteria: { ReplicaModifications: { Status: 'Enabled' } },
        },
      ),
    ])
    await put(source, 'key')
    await complete(source, 'key')
    const TagSet = [{ Key: 'seen', Value: 'there' }]
    await world
      .s3(THERE)
      .send(new PutObjectTaggingCommand({ Bucket: destination, Key: 'key', Tagging: { TagSet } }))
    await until('the tags are here', 60_000, async () => {
      const at = { Bucket: source, Key: 'key' }
      return (await world.s3(HERE).send(new GetObjectTaggingCommand(at))).TagSet?.length === 1
    })
    expect(await world.status(THERE, destination, 'key')).toBe('REPLICA')
  })

  test('can be in the same region', async () => {
    const { source, destination, role } = await pair('same', { to: HERE })
    await world.replicate(HERE, source, role, [first(destination)])
    await put(source, 'key')
    await complete(source, 'key')
    expect(await listed(HERE, destination)).toEqual(await listed(HERE, source))
  })

  test('are locked as their originals are', async () => {
    const { source, destination, role } = await pair('locked', { isLocked: true })
    await world.iam().send(
      new PutRolePolicyCommand({
        RoleName: 'locked',
        PolicyName: 'locks',
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Action: ['s3:GetObjectRetention', 's3:GetObjectLegalHold'],
              Resource: `${arn(source)}/*`,
            },
          ],
        }),
      }),
    )
    await world.replicate(HERE, source, role, [first(destination)])
    const ObjectLockRetainUntilDate = new Date(Date.now() + 3_600_000)
    const { VersionId } = await put(source, 'key', 'x', {
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate,
    })
    await complete(source, 'key')
    const there = { Bucket: destination, Key: 'key', VersionId }
    const head = () => world.s3(THERE).send(new HeadObjectCommand(there))
    expect(await head()).toMatchObject({
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate,
    })
    const refused = world.s3(THERE).send(new DeleteObjectCommand(there))
    await expect(refused).rejects.toMatchObject({ name: 'AccessDenied' })

    const later = new Date(Date.now() + 7_200_000)
    const at = { Bucket: source, Key: 'key', VersionId }
    const Retention = { Mode: 'COMPLIANCE', RetainUntilDate: later } as const
    await world.s3(HERE).send(new PutObjectRetentionCommand({ ...at, Retention }))
    await world.s3(HERE).send(new PutObjectLegalHoldCommand({ ...at, LegalHold: { Status: 'ON' } }))
    await until('the lock has followed', 60_000, async () => {
      const { ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus } = await head()
      return until?.getTime() === later.getTime() && ObjectLockLegalHoldStatus === 'ON'
    })
  })
})
