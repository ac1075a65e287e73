import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TrialRegion } from '../trials/trial-region.ts'
import { lifeboat } from './lifeboat.ts'

const BUCKET = 'receipts'
const PART_BYTES = 5 << 20
const STRANGE = 'über/ä +?&%2F\u0301 "<x>"/\u{1f6df}'

describe('lifeboat objects restore', () => {
  let region: TrialRegion
  let s3: S3Client

  beforeAll(async () => {
    region = await TrialRegion.start('objects')
    s3 = new S3Client({ ...region.client, forcePathStyle: true })
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }))
    await s3.send(
      new PutBucketVersioningCommand({
        Bucket: BUCKET,
        VersioningConfiguration: { Status: 'Enabled' },
      }),
    )
    writeFileSync(
      join(region.folder, 'lifeboat.yaml'),
      `workload: shop
objectives: { rto: 15m, rpo: 5m }
regions: { primary: ap-southeast-1 }
database: { instance: shop-db, secret: shop/database }
checks: [{ name: any, sql: select 1, expect: 1, every: 5s }]
`,
    )
  })
  afterAll(async () => {
    s3?.destroy()
    await region?.end()
  })

  const put = (key: string, body: string, more: Partial<PutObjectCommandInput> = {}) =>
    s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body, ...more }))
  const remove = (key: string) => s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }))

  async function putInParts(key: string, fill: string) {
    const at = { Bucket: BUCKET, Key: key }
    const { UploadId } = await s3.send(
      new CreateMultipartUploadCommand({ ...at, ContentType: 'application/pdf' }),
    )
    const Parts = []
    for (const [index, length] of [PART_BYTES, PART_BYTES, 1000].entries()) {
      const part = { ...at, UploadId, PartNumber: index + 1, Body: Buffer.alloc(length, fill) }
      const { ETag } = await s3.send(new UploadPartCommand(part))
      Parts.push({ ETag, PartNumber: index + 1 })
    }
    await s3.send(
      new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }),
    )
  }

  /** Everything that a reader can see of a bucket. */
  async function contents(prefix = '') {
    const { Versions = [] } = await s3.send(
      new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: prefix }),
    )
    const seen: Record<string, unknown> = {}
    for (const { Key, IsLatest } of Versions) {
      if (!IsLatest) continue
      const object = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: Key! }))
      const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket: BUCKET, Key: Key! }))
      const body = createHash('sha256').update((await object.Body?.transformToByteArray())!)
      const { ETag, ContentType, CacheControl, Metadata } = object
      seen[Key!] = { body: body.digest('hex'), ETag, ContentType, CacheControl, Metadata, TagSet }
    }
    return seen
  }

  const versionIds = async () => {
    const { Versions = [], DeleteMarkers = [] } = await s3.send(
      new ListObjectVersionsCommand({ Bucket: BUCKET }),
    )
    return [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => `${Key} ${VersionId}`)
  }

  /** S3 tells times in whole seconds: what happens next must be in another one. */
  async function nextSecond(): Promise<Date> {
    await sleep(1_010 - (Date.now() % 1_000))
    const moment = new Date()
    await sleep(1_010 - (Date.now() % 1_000))
    return moment
  }

  async function restore(to: Date, ...more: string[]) {
    const workload = join(region.folder, 'lifeboat.yaml')
    const args = ['objects', 'restore', '--bucket', BUCKET, '--to', to.toISOString()]
    const { code, stdout, stderr } = await lifeboat(
      [...args, '--workload', workload, '--json', ...more],
      { home: region.home.folder },
    )
    return { code, stderr, ...JSON.parse(stdout) }
  }

  test('brings back every byte, header and tag, and destroys no version', async () => {
    const described = {
      ContentType: 'text/plain',
      CacheControl: 'no-store',
      Metadata: { order: '17' },
      Tagging: 'month=may&paid=yes',
    }
    await put('overwritten', 'good', described)
    await put('described-anew', 'same', described)
    await put('deleted', 'good')
    await put('deleted-and-back', 'good')
    await put('left-alone', 'good')
    await put(STRANGE, 'good')
    await put('gone-before', 'old')
    await remove('gone-before')
    await putInParts('large', 'a')
    const before = await contents()
    const moment = await nextSecond()

    await put('overwritten', 'bad')
    await put('overwritten', 'worse')
    await put('described-anew', 'same', { ...described, Metadata: { order: '18' } })
    await remove('deleted')
    await remove('deleted-and-back')
    await put('deleted-and-back', 'bad')
    await put(STRANGE, 'bad')
    await put('born-later', 'new')
    await put('gone-before', 'back again')
    await putInParts('large', 'b')
    const damaged = await contents()
    const versions = await versionIds()

    const planned = { copies: 6, deleteMarkers: 2, unchanged: 1 }
    expect(await restore(moment, '--dry-run')).toMatchObject({ code: 0, dryRun: true, ...planned })
    expect(await contents()).toEqual(damaged)
    expect(await versionIds()).toEqual(versions)

    const refused = await restore(moment)
    expect(refused).toMatchObject({ code: 54, error: { code: 'ApprovalRequired' } })
    expect(await versionIds()).toEqual(versions)

    const restored = await restore(moment, '--yes')
    expect(restored).toMatchObject({ code: 0, verdict: 'proven', ...planned, objects: 7 })
    expect(await contents()).toEqual(before)
    expect(await versionIds()).toEqual(expect.arrayContaining(versions))

    // A second time there is nothing to do.
    const after = await versionIds()
    expect(await restore(moment, '--yes')).toMatchObject({ copies: 0, deleteMarkers: 0 })
    expect(await versionIds()).toEqual(after)

    // And the restore itself can be undone.
    expect(await restore(new Date(moment.getTime() + 1), '--yes')).toMatchObject({ code: 0 })
  })

  test('leaves alone what is not under the prefix', async () => {
    await put('a/1', 'good')
    await put('b/1', 'good')
    const moment = await nextSecond()
    await put('a/1', 'bad')
    await put('b/1', 'bad')
    const other = await contents('b/')
    expect(await restore(moment, '--prefix', 'a/', '--yes')).toMatchObject({
      code: 0,
      copies: 1,
      objects: 1,
    })
    expect(await contents('b/')).toEqual(other)
  })

  test('refuses what cannot be proven afterwards', async () => {
    const future = await restore(new Date(Date.now() + 3_600_000), '--yes')
    expect(future).toMatchObject({ code: 2, error: { code: 'InvalidTime' } })
    await s3.send(new CreateBucketCommand({ Bucket: 'plain' }))
    const plain = await restore(new Date(), '--bucket', 'plain', '--yes')
    expect(plain).toMatchObject({ code: 41, error: { code: 'CallRefused' } })
    expect(plain.error.message).toContain("bucket 'plain' keeps no versions")
    const absent = await restore(new Date(), '--bucket', 'absent', '--yes')
    expect(absent).toMatchObject({ error: { code: 'ResourceNotFound' } })
  })
})
