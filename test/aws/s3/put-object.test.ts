import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { ChecksumAlgorithm } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { presignedUrl } from './presigned-url.ts'
import { refused, s3UnderTest } from './s3-under-test.ts'

describe('PutObject', () => {
  const region = s3UnderTest()
  const Bucket = 'put'
  beforeAll(async () => {
    await region.bucket(Bucket)
  })
  const isThere = async (Key: string) =>
    ((await region.sdk().listObjectsV2({ Bucket, Prefix: Key })).Contents ?? []).length > 0

  test('stores bytes and what is said of them', async () => {
    const Body = Buffer.from(Uint8Array.from({ length: 70_000 }, (_, index) => index % 251))
    const put = await region.sdk().putObject({
      Bucket,
      Key: 'folder/ünïcode + & ?#%20//../key',
      Body,
      ContentType: 'text/x-thing; charset=utf-8',
      CacheControl: 'no-cache',
      ContentDisposition: 'attachment; filename="a b"',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de',
      Expires: new Date('2031-01-01T00:00:00Z'),
      Metadata: { one: '1', 'two-words': 'a  b' },
      Tagging: 'a=1&b%20c=%C3%BC',
      StorageClass: 'STANDARD_IA',
      WebsiteRedirectLocation: '/elsewhere',
    })
    expect(put.ETag).toBe(`"${createHash('md5').update(Body).digest('hex')}"`)
    expect(put.VersionId).toBeUndefined()
    expect(put.ServerSideEncryption).toBe('AES256')

    const got = await region.sdk().getObject({ Bucket, Key: 'folder/ünïcode + & ?#%20//../key' })
    expect(Buffer.from(await got.Body!.transformToByteArray())).toEqual(Body)
    expect(got).toMatchObject({
      ContentLength: 70_000,
      ContentType: 'text/x-thing; charset=utf-8',
      CacheControl: 'no-cache',
      ContentDisposition: 'attachment; filename="a b"',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de',
      ExpiresString: 'Wed, 01 Jan 2031 00:00:00 GMT',
      Metadata: { one: '1', 'two-words': 'a  b' },
      TagCount: 2,
      StorageClass: 'STANDARD_IA',
      WebsiteRedirectLocation: '/elsewhere',
      ETag: put.ETag,
    })
  })

  test('stores nothing at all, too', async () => {
    await region.sdk().putObject({ Bucket, Key: 'empty', Body: '' })
    const got = await region.sdk().getObject({ Bucket, Key: 'empty' })
    expect(got.ContentLength).toBe(0)
    expect(await got.Body!.transformToString()).toBe('')
  })

  test('stores a stream that comes in chunks with a trailer', async () => {
    const Body = Readable.from(Array.from({ length: 20 }, (_, i) => Buffer.alloc(20_000, `${i}`)))
    await region.sdk().putObject({ Bucket, Key: 'stream', Body, ContentLength: 400_000 })
    const got = await region.sdk().getObject({ Bucket, Key: 'stream', ChecksumMode: 'ENABLED' })
    expect(got.ContentEncoding).toBeUndefined()
    expect(got.ChecksumCRC32).toMatch(/^.{6}==$/)
    expect((await got.Body!.transformToString()).length).toBe(400_000)
  })

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'MD5', 'SHA1', 'SHA256', 'SHA512'] as const)(
    'verifies and tells %s',
    async (ChecksumAlgorithm: ChecksumAlgorithm) => {
      const name = `Checksum${ChecksumAlgorithm}` as 'ChecksumSHA256'
      const Key = `checksum-${ChecksumAlgorithm}`
      const known = KNOWN[name as keyof typeof KNOWN]
      const body = { Bucket, Key, Body: '123456789' }
      const put = await region.sdk().putObject({ ...body, [name]: known })
      expect(put[name]).toBe(known)
      expect(put.ChecksumType).toBe('FULL_OBJECT')
      const asked = await region.sdk().headObject({ Bucket, Key, ChecksumMode: 'ENABLED' })
      expect(asked[name]).toBe(known)
      expect((await region.sdk().headObject({ Bucket, Key }))[name]).toBeUndefined()

      const other = `${known[0] === 'A' ? 'B' : 'A'}${known.slice(1)}`
      const wrong = { ...body, Key: `${Key}-wrong`, [name]: other }
      expect((await refused(region.sdk().putObject(wrong))).code).toBe('BadDigest')
      expect(await isThere(`${Key}-wrong`)).toBe(false)
      const malformed = { ...body, Key: `${Key}-wrong`, [name]: 'AAAA' }
      expect((await refused(region.sdk().putObject(malformed))).code).toBe('InvalidRequest')
      expect(await isThere(`${Key}-wrong`)).toBe(false)
    },
  )

  test('computes CRC64NVME when no checksum is sent', async () => {
    const response = await fetch(
      presignedUrl({ endpoint: region.endpoint(), method: 'PUT', path: `/${Bucket}/no-checksum` }),
      { method: 'PUT', body: '123456789' },
    )
    expect(response.status).toBe(200)
    expect(response.headers.get('x-amz-checksum-crc64nvme')).toBe(KNOWN.ChecksumCRC64NVME)
  })

  test('verifies Content-MD5, and leaves what was there', async () => {
    const Key = 'md5'
    const md5 = (text: string) => createHash('md5').update(text).digest('base64')
    await region.sdk().putObject({ Bucket, Key, Body: 'one', ContentMD5: md5('one') })
    const wrong = region.sdk().putObject({ Bucket, Key, Body: 'two', ContentMD5: md5('three') })
    expect(await refused(wrong)).toMatchObject({ code: 'BadDigest', status: 400 })
    const malformed = region.sdk().putObject({ Bucket, Key, Body: 'two', ContentMD5: 'x' })
    expect((await refused(malformed)).code).toBe('InvalidDigest')
    expect(await region.text(Bucket, Key)).toBe('one')
  })

  test('writes on condition that nothing is there', async () => {
    const Key = 'once'
    const put = (Body: string) => region.sdk().putObject({ Bucket, Key, Body, IfNoneMatch: '*' })
    await put('first')
    expect(await refused(put('second'))).toMatchObject({ code: 'PreconditionFailed', status: 412 })
    expect(await region.text(Bucket, Key)).toBe('first')
    await region.sdk().deleteObject({ Bucket, Key })
    await put('third')
    expect(await region.text(Bucket, Key)).toBe('third')
    const named = { Bucket, Key, Body: 'x', IfNoneMatch: '"a"' }
    expect((await refused(region.sdk().putObject(named))).code).toBe('NotImplemented')
  })

  test('lets one of many win that write on that condition', async () => {
    const puts = Array.from({ length: 12 }, (_, index) =>
      region
        .sdk()
        .putObject({ Bucket, Key: 'race', Body: `${index}`, IfNoneMatch: '*' })
        .then(() => `${index}`),
    )
    const won = (await Promise.allSettled(puts)).flatMap((put) =>
      put.status === 'fulfilled' ? [put.value] : [],
    )
    expect(won).toHaveLength(1)
    expect(await region.text(Bucket, 'race')).toBe(won[0])
  })

  test('writes on condition of what is there', async () => {
    const Key = 'swap'
    const first = await region.sdk().putObject({ Bucket, Key, Body: 'first' })
    const put = (IfMatch: string, Body: string) =>
      region.sdk().putObject({ Bucket, Key, Body, IfMatch })
    await put(first.ETag!, 'second')
    expect(await refused(put(first.ETag!, 'third'))).toMatchObject({ status: 412 })
    expect(await region.text(Bucket, Key)).toBe('second')
    const nothing = region
      .sdk()
      .putObject({ Bucket, Key: 'absent', Body: 'x', IfMatch: first.ETag! })
    expect(await refused(nothing)).toMatchObject({ code: 'NoSuchKey', status: 404 })
    expect(await isThere('absent')).toBe(false)
  })

  test('refuses what S3 does not take', async () => {
    const put = (more: object) =>
      refused(region.sdk().putObject({ Bucket, Key: 'absent', Body: 'x', ...more }))
    expect((await put({ Bucket: 'absent' })).code).toBe('NoSuchBucket')
    expect((await put({ Key: 'k'.repeat(1025) })).code).toBe('KeyTooLongError')
    expect((await put({ Metadata: { a: 'x'.repeat(2048) } })).code).toBe('MetadataTooLarge')
    expect((await put({ StorageClass: 'WARM' })).code).toBe('InvalidStorageClass')
    expect((await put({ Tagging: 'a=1&a=2' })).code).toBe('InvalidArgument')
    expect((await put({ Tagging: 'aws:x=1' })).code).toBe('InvalidTag')
    expect((await put({ ServerSideEncryption: 'rot13' })).code).toBe('InvalidArgument')
    expect((await put({ ObjectLockLegalHoldStatus: 'ON' })).code).toBe('InvalidRequest')
    expect((await put({ ExpectedBucketOwner: '111111111111' })).code).toBe('AccessDenied')
    expect(await isThere('absent')).toBe(false)
    expect(region.errors).toEqual([])
  })
})

/** Of the text 123456789. Source: the CRC catalogue's check values; the hashes are computed here. */
const KNOWN = {
  ChecksumCRC32: Buffer.from('cbf43926', 'hex').toString('base64'),
  ChecksumCRC32C: Buffer.from('e3069283', 'hex').toString('base64'),
  ChecksumCRC64NVME: Buffer.from('ae8b14860a799888', 'hex').toString('base64'),
  ChecksumMD5: 'JfnnlDI7RTiF9RgfG2JNCw==',
  ChecksumSHA1: createHash('sha1').update('123456789').digest('base64'),
  ChecksumSHA512:
    '2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7ALXPUmclUVba1u1A6z1dPuo/+hQ==',
  ChecksumSHA256: createHash('sha256').update('123456789').digest('base64'),
}
