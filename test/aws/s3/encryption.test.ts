import { beforeAll, describe, expect, test } from 'vitest'
import { rawRequest } from './raw-request.ts'
import { refused, s3UnderTest } from './s3-under-test.ts'

describe('the encryption that objects are told to have', () => {
  const region = s3UnderTest()
  const Bucket = 'told'
  beforeAll(async () => {
    await region.bucket(Bucket)
  })
  const put = (Key: string, more: object = {}) =>
    region.sdk().putObject({ Bucket, Key, Body: 'x', ...more })
  const KMS = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'alias/shop' } as const

  test('is that of S3 unless one of KMS is asked for', async () => {
    expect((await put('usual')).ServerSideEncryption).toBe('AES256')
    expect(await put('kms', { ...KMS, BucketKeyEnabled: true })).toMatchObject({
      ...KMS,
      BucketKeyEnabled: true,
    })
    expect(await region.sdk().headObject({ Bucket, Key: 'kms' })).toMatchObject(KMS)
    const copied = await region.sdk().copyObject({
      ...{ Bucket, Key: 'copy', CopySource: `${Bucket}/kms` },
    })
    expect(copied.ServerSideEncryption).toBe('AES256')
    const upload = await region.sdk().createMultipartUpload({ Bucket, Key: 'parts', ...KMS })
    expect(upload).toMatchObject(KMS)
    const about = { Bucket, Key: 'parts', UploadId: upload.UploadId! }
    const part = await region.sdk().uploadPart({ ...about, PartNumber: 1, Body: 'x' })
    expect(part).toMatchObject(KMS)
    const completed = await region.sdk().completeMultipartUpload({
      ...{ ...about, MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag }] } },
    })
    expect(completed).toMatchObject(KMS)
  })

  test('is that of the bucket when none is asked for', async () => {
    await region.bucket('by-default')
    const at = { Bucket: 'by-default', Key: 'k', Body: 'x' }
    await region.sdk().putBucketEncryption({
      Bucket: 'by-default',
      ServerSideEncryptionConfiguration: {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: {
              SSEAlgorithm: 'aws:kms',
              KMSMasterKeyID: 'alias/bucket',
            },
            BucketKeyEnabled: true,
          },
        ],
      },
    })
    const expected = {
      ...{ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'alias/bucket', BucketKeyEnabled: true },
    }
    expect(await region.sdk().putObject(at)).toMatchObject(expected)
    const { Bucket: _, ...own } = at
    expect(await region.sdk().putObject({ ...at, ServerSideEncryption: 'AES256' })).toMatchObject({
      ServerSideEncryption: 'AES256',
    })
    const copy = { Bucket: 'by-default', Key: `${own.Key}-copy`, CopySource: 'by-default/k' }
    expect(await region.sdk().copyObject(copy)).toMatchObject(expected)
    await region.sdk().deleteBucketEncryption({ Bucket: 'by-default' })
    expect((await region.sdk().putObject(at)).ServerSideEncryption).toBe('AES256')
  })

  test('refuses what does not go together, and stores nothing', async () => {
    const attempts = [
      { ServerSideEncryption: 'aes:kms' },
      { SSEKMSKeyId: 'alias/shop' },
      { ServerSideEncryption: 'AES256', SSEKMSKeyId: 'alias/shop' },
    ]
    for (const members of attempts) {
      expect(await refused(put('never', members))).toMatchObject({ code: 'InvalidArgument' })
    }
    const get = region.sdk().getObject({ Bucket, Key: 'never' })
    expect((await refused(get)).code).toBe('NoSuchKey')
  })

  test('is no matter of who reads', async () => {
    await put('read')
    for (const method of ['GET', 'HEAD']) {
      const headers: [string, string][] = [['x-amz-server-side-encryption', 'AES256']]
      const reply = await rawRequest(region, { method, path: `/${Bucket}/read`, headers })
      expect(reply.status).toBe(400)
    }
  })

  test('refuses a default that cannot be', async () => {
    const set = (...Rules: object[]) =>
      region.sdk().putBucketEncryption({
        Bucket,
        ServerSideEncryptionConfiguration: { Rules: Rules as never },
      })
    const rule = (SSEAlgorithm: string, KMSMasterKeyID?: string) => ({
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm, KMSMasterKeyID },
    })
    expect((await refused(set())).code).toBe('MalformedXML')
    expect((await refused(set(rule('AES256'), rule('AES256')))).code).toBe('MalformedXML')
    expect((await refused(set(rule('AES512')))).code).toBe('MalformedXML')
    expect((await refused(set(rule('AES256', 'alias/shop')))).code).toBe('InvalidArgument')
    expect((await put('usual')).ServerSideEncryption).toBe('AES256')
  })
})
