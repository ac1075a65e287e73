import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3 } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CallTrace } from '../../trials/s3/call-trace.ts'
import { freePort, hasStrace, KillableRegion } from '../../trials/s3/killable-region.ts'
import { CREDENTIALS, REGION } from '../region-under-test.ts'

/** Longer than what the index keeps itself. */
const LONG = Buffer.alloc(100_000, 'x')

describe('what is acknowledged', () => {
  let folder: string
  let region: KillableRegion | undefined
  let trace: CallTrace
  let s3: S3
  beforeAll(async () => {
    if (!hasStrace) return
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-durable-'))
    await chmod(folder, 0o711)
    const port = await freePort()
    const endpoint = `http://127.0.0.1:${port}`
    const own = join(folder, 'region')
    region = KillableRegion.prepare({
      ...{ name: REGION, home: folder, folder: own, port, endpoint, credentials: CREDENTIALS },
    })
    await region.start(async (pid) => {
      trace = await CallTrace.begin({
        ...{ pid, file: join(folder, 'calls'), folder: join(own, 's3', 'objects') },
      })
    })
    const client = { region: REGION, endpoint, credentials: CREDENTIALS, maxAttempts: 1 }
    s3 = new S3({ ...client, forcePathStyle: true })
  })
  afterAll(async () => {
    s3?.destroy()
    await region?.close()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  test('has been synced before the answer is given', async (context) => {
    if (!hasStrace) return context.skip('skipped: needs strace')
    const Bucket = 'durable'
    const asked: string[] = []
    // One after the other, so that what is not synced belongs to what is answered.
    const ask = async <Result>(name: string, call: Promise<Result>): Promise<Result> => {
      asked.push(name)
      return await call
    }
    const at = (Key: string) => ({ Bucket, Key })
    await ask('CreateBucket', s3.createBucket({ Bucket, ObjectLockEnabledForBucket: true }))
    await ask('PutBucketTagging', s3.putBucketTagging({ Bucket, Tagging: { TagSet: [] } }))
    const { VersionId } = await ask('PutObject', s3.putObject({ ...at('short'), Body: 'x' }))
    await ask('PutObject', s3.putObject({ ...at('long'), Body: LONG }))
    const TagSet = [{ Key: 'a', Value: 'b' }]
    await ask('PutObjectTagging', s3.putObjectTagging({ ...at('long'), Tagging: { TagSet } }))
    const Retention = { Mode: 'GOVERNANCE', RetainUntilDate: new Date('2100-01-01') } as const
    await ask('PutObjectRetention', s3.putObjectRetention({ ...at('long'), Retention }))
    await ask('CopyObject', s3.copyObject({ ...at('copy'), CopySource: `${Bucket}/long` }))
    const begun = s3.createMultipartUpload(at('parts'))
    const { UploadId } = await ask('CreateMultipartUpload', begun)
    const upload = { ...at('parts'), UploadId }
    const part = s3.uploadPart({ ...upload, PartNumber: 1, Body: LONG })
    const { ETag } = await ask('UploadPart', part)
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    const completed = s3.completeMultipartUpload({ ...upload, MultipartUpload })
    await ask('CompleteMultipartUpload', completed)
    await ask('DeleteObject', s3.deleteObject(at('short')))
    await ask('DeleteObject', s3.deleteObject({ ...at('short'), VersionId }))
    const Objects = [{ Key: 'copy' }, { Key: 'parts' }]
    await ask('DeleteObjects', s3.deleteObjects({ Bucket, Delete: { Objects } }))

    const answers = await trace.end()
    expect(answers.map(({ status }) => Math.floor(status / 100))).toEqual(asked.map(() => 2))
    const unsynced = answers.flatMap(({ unsynced }, index) =>
      unsynced.map((path) => `${asked[index]}: ${path}`),
    )
    expect(unsynced).toEqual([])
    // A trace that sees no sync would not see a missing one.
    expect(answers.every(({ syncs }) => syncs > 0)).toBe(true)
  })
})
