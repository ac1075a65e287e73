import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RegionClient } from '../../src/aws/region-client.ts'
import { systemClock } from '../../src/core/clock.ts'
import { type BringHome, bringHome } from '../../src/recovery/objects/bring-home.ts'
import { HERE, THERE, twoRegions } from '../aws/s3/two-regions.ts'
import { until } from '../trials/trial-region.ts'

const HOME = 'receipts'
const AWAY = 'receipts-away'
const PART_BYTES = 5 * 1024 * 1024

const world = twoRegions()
const clients: RegionClient[] = []

beforeAll(async () => {
  await world.bucket(HERE, HOME)
  await world.bucket(THERE, AWAY)
})
afterAll(() => {
  for (const client of clients) client.close()
})

const at = (region: string) => (region === HERE ? HOME : AWAY)
const put = (region: string, Key: string, Body: string | Buffer, more: object = {}) =>
  world.s3(region).send(new PutObjectCommand({ Bucket: at(region), Key, Body, ...more }))
const remove = (region: string, Key: string) =>
  world.s3(region).send(new DeleteObjectCommand({ Bucket: at(region), Key }))
const head = (region: string, Key: string) =>
  world.s3(region).send(new HeadObjectCommand({ Bucket: at(region), Key }))
const text = async (region: string, Key: string) => {
  const { Body } = await world.s3(region).send(new GetObjectCommand({ Bucket: at(region), Key }))
  return Body!.transformToString()
}

async function pass(more: Pick<BringHome, 'writtenBefore'> = {}) {
  const buckets = (region: string) => {
    const client = new RegionClient({ ...world.client(region), clock: systemClock })
    clients.push(client)
    return client.buckets
  }
  const way = {
    away: { buckets: buckets(THERE), bucket: AWAY },
    home: { buckets: buckets(HERE), bucket: HOME },
    prefixes: ['paid/', 'due/'],
    isOurs: (key: string) => !key.startsWith('due/lock/'),
  }
  const { signal } = new AbortController()
  return await bringHome(way, { clock: systemClock, signal, onProgress: () => undefined, ...more })
}

test('what is in front away is in front at home, and what was never shipped is named, in every pass', async () => {
  await put(HERE, 'paid/same', 'as it was')
  await put(THERE, 'paid/same', 'as it was')
  await put(THERE, 'paid/new', 'written away', { Metadata: { by: 'shop' }, Tagging: 'a=b' })
  await put(HERE, 'paid/changed', 'before')
  await put(THERE, 'paid/changed', 'before')
  await put(THERE, 'paid/changed', 'after')
  await put(HERE, 'paid/deleted', 'gone')
  await put(THERE, 'paid/deleted', 'gone')
  await remove(THERE, 'paid/deleted')
  await put(HERE, 'due/lock/held', 'of Lifeboat itself')
  await put(HERE, 'other/one', 'of somebody else')
  const { VersionId: never } = await put(HERE, 'due/never-shipped', 'only at home')
  const { VersionId: covered } = await put(HERE, 'due/both', 'unshipped')
  await put(THERE, 'due/both', 'written away, too')

  const unshipped = [
    { key: 'due/both', versionId: covered },
    { key: 'due/never-shipped', versionId: never },
  ]
  const first = await pass()
  expect(first).toEqual({ compared: 6, copied: 3, hidden: 1, coming: 0, onlyHome: unshipped })
  expect(await pass()).toEqual({
    compared: 6,
    copied: 0,
    hidden: 0,
    coming: 0,
    onlyHome: unshipped,
  })

  expect(await text(HERE, 'paid/changed')).toBe('after')
  expect(await text(HERE, 'due/both')).toBe('written away, too')
  expect(await text(HERE, 'due/never-shipped')).toBe('only at home')
  await expect(head(HERE, 'paid/deleted')).rejects.toMatchObject({ name: 'NotFound' })
  expect(await head(HERE, 'paid/new')).toMatchObject({ Metadata: { by: 'shop' } })
  const named = { Bucket: HOME, Key: 'paid/new' }
  const { TagSet } = await world.s3(HERE).send(new GetObjectTaggingCommand(named))
  expect(TagSet).toEqual([{ Key: 'a', Value: 'b' }])
})

test('an object of several parts comes home in the same ones, so that a second pass knows it', async () => {
  const Bucket = AWAY
  const Key = 'paid/large'
  const s3 = world.s3(THERE)
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const Parts = await Promise.all(
    [PART_BYTES, PART_BYTES + 1, 17].map(async (bytes, index) => {
      const part = { Bucket, Key, UploadId, PartNumber: index + 1 }
      const Body = Buffer.alloc(bytes, index + 1)
      const { ETag } = await s3.send(new UploadPartCommand({ ...part, Body }))
      return { PartNumber: index + 1, ETag }
    }),
  )
  const MultipartUpload = { Parts }
  await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }))

  expect(await pass()).toMatchObject({ copied: 1 })
  const [home, away] = await Promise.all([head(HERE, Key), head(THERE, Key)])
  expect(home.ETag).toMatch(/-3"$/)
  expect([home.ETag, home.ContentLength]).toEqual([away.ETag, 2 * PART_BYTES + 18])
  expect(await pass()).toMatchObject({ copied: 0 })
})

test('a pass while customers write ends where it began, and leaves what is newer to the next one', async () => {
  await put(THERE, 'paid/early', 'before the pass')
  const { LastModified } = await head(THERE, 'paid/early')
  const writtenBefore = new Date(LastModified!.getTime() + 999)
  await until('a second has passed for S3', 10_000, async () => {
    await put(THERE, 'paid/late', 'during the pass')
    return (await head(THERE, 'paid/late')).LastModified! > writtenBefore
  })
  expect(await pass({ writtenBefore })).toMatchObject({ copied: 1 })
  await expect(head(HERE, 'paid/late')).rejects.toMatchObject({ name: 'NotFound' })
  expect(await pass()).toMatchObject({ copied: 1 })
  expect(await text(HERE, 'paid/late')).toBe('during the pass')
})

test('what S3 is about to replicate is left to it, and copied when it could not', async () => {
  const role = await world.role('back', AWAY, [HOME])
  const rule = { ID: 'back', Status: 'Enabled', Prefix: '' } as const
  await world.replicate(THERE, AWAY, role, [
    { ...rule, Destination: { Bucket: `arn:aws:s3:::${HOME}` } },
  ])
  const { VersionId } = await put(THERE, 'due/replicated', 'by S3')
  const replicated = await pass()
  expect(replicated).toMatchObject({ copied: 0, hidden: 0, coming: 0 })
  expect((await head(HERE, 'due/replicated')).VersionId).toBe(VersionId)

  await world.revoke('back')
  const { VersionId: refused } = await put(THERE, 'due/refused', 'by Lifeboat')
  const copied = await pass()
  expect(copied).toMatchObject({ copied: 1, hidden: 0, coming: 0 })
  expect(await text(HERE, 'due/refused')).toBe('by Lifeboat')
  expect((await head(HERE, 'due/refused')).VersionId).not.toBe(refused)

  // What S3 brings is older than what was never shipped, and stands under it.
  await world.grant('back', AWAY, [HOME])
  const { VersionId: early } = await put(THERE, 'due/raced', 'of a customer')
  await put(HERE, 'due/raced', 'of nobody, later')
  await until('it is home', 60_000, async () => {
    const versions = await world.versions(HERE, HOME)
    return versions.some(({ versionId }) => versionId === early)
  })
  expect(await pass()).toMatchObject({ copied: 1 })
  expect(await text(HERE, 'due/raced')).toBe('of a customer')
})
