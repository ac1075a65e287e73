import { beforeAll, describe, expect, test } from 'vitest'
import { refused, s3UnderTest } from './s3-under-test.ts'

describe('GetObject and HeadObject', () => {
  const region = s3UnderTest()
  const at = { Bucket: 'get', Key: 'digits' }
  let etag: string
  let modified: Date
  beforeAll(async () => {
    await region.bucket(at.Bucket)
    etag = (await region.sdk().putObject({ ...at, Body: '0123456789', ContentType: 'a/b' })).ETag!
    modified = (await region.sdk().headObject(at)).LastModified!
  })
  const get = (more: object) => region.sdk().getObject({ ...at, ...more })
  const head = (more: object) => region.sdk().headObject({ ...at, ...more })

  test.each([
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=7-99', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-99', '0123456789', 'bytes 0-9/10'],
  ])('answers %s', async (Range, text, ContentRange) => {
    const got = await get({ Range })
    expect(await got.Body!.transformToString()).toBe(text)
    expect(got).toMatchObject({ ContentRange, ContentLength: text.length, ETag: etag })
    expect(got.$metadata.httpStatusCode).toBe(206)
    expect(await head({ Range })).toMatchObject({ ContentRange, ContentLength: text.length })
  })

  test('answers all when a range is not one', async () => {
    for (const Range of ['bytes=4-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=a-b', 'bytes=-']) {
      const got = await get({ Range })
      expect(got.$metadata.httpStatusCode).toBe(200)
      expect(await got.Body!.transformToString()).toBe('0123456789')
    }
  })

  test('refuses a range that is not in the object', async () => {
    for (const Range of ['bytes=10-', 'bytes=10-20', 'bytes=-0']) {
      expect(await refused(get({ Range }))).toMatchObject({ code: 'InvalidRange', status: 416 })
      expect(await refused(head({ Range }))).toMatchObject({ status: 416 })
    }
  })

  test('answers on conditions', async () => {
    const later = new Date(modified.getTime() + 5000)
    const earlier = new Date(modified.getTime() - 5000)
    const met: object[] = [
      { IfMatch: etag },
      { IfMatch: '*' },
      { IfNoneMatch: '"other"' },
      { IfModifiedSince: earlier },
      { IfUnmodifiedSince: later },
      { IfMatch: etag, IfUnmodifiedSince: earlier },
      { IfNoneMatch: '"other"', IfModifiedSince: later },
    ]
    for (const condition of met) {
      expect((await get(condition)).ETag).toBe(etag)
      expect((await head(condition)).ETag).toBe(etag)
    }
    const failed: object[] = [{ IfMatch: '"other"' }, { IfUnmodifiedSince: earlier }]
    for (const condition of failed) {
      const outcome = await refused(get(condition))
      expect(outcome).toMatchObject({ code: 'PreconditionFailed', status: 412 })
      expect(await refused(head(condition))).toMatchObject({ status: 412 })
    }
    const known: object[] = [
      { IfNoneMatch: etag },
      { IfNoneMatch: '*' },
      { IfModifiedSince: modified },
      { IfNoneMatch: etag, IfModifiedSince: earlier },
    ]
    for (const condition of known) {
      expect(await refused(get(condition))).toMatchObject({ status: 304, headers: { etag } })
      expect(await refused(head(condition))).toMatchObject({ status: 304 })
    }
  })

  test('answers the headers that the request wants', async () => {
    const got = await get({
      ResponseContentType: 'x/y',
      ResponseContentDisposition: 'inline',
      ResponseCacheControl: 'no-store',
      ResponseContentEncoding: 'identity',
      ResponseContentLanguage: 'fr',
    })
    expect(got).toMatchObject({
      ContentType: 'x/y',
      ContentDisposition: 'inline',
      CacheControl: 'no-store',
      ContentEncoding: 'identity',
      ContentLanguage: 'fr',
    })
    expect((await get({})).ContentType).toBe('a/b')
    const expires = await get({ ResponseExpires: new Date('2031-02-03T04:05:06Z') })
    expect(expires.ExpiresString).toBe('Mon, 03 Feb 2031 04:05:06 GMT')
  })

  test('does not let anybody choose headers who does not sign', async () => {
    const { Bucket, Key } = at
    await region.sdk().deletePublicAccessBlock({ Bucket })
    const statement = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject' }
    const Statement = [{ ...statement, Resource: `arn:aws:s3:::${Bucket}/*` }]
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    await region.sdk().putBucketPolicy({ Bucket, Policy })
    const open = (query: string) => fetch(`${region.endpoint()}/${Bucket}/${Key}${query}`)
    expect((await open('')).status).toBe(200)
    const chosen = await open('?response-content-type=text/html')
    expect(chosen.status).toBe(400)
    expect(await chosen.text()).toContain('<Code>InvalidRequest</Code>')
    await region.sdk().deleteBucketPolicy({ Bucket })
  })

  test('refuses what is not there, in the form of S3', async () => {
    const outcome = await refused(get({ Key: 'absent' }))
    expect(outcome).toMatchObject({
      code: 'NoSuchKey',
      status: 404,
      message: 'The specified key does not exist.',
    })
    expect(outcome.headers).toMatchObject({
      'content-type': 'application/xml',
      server: 'AmazonS3',
      'x-amz-request-id': expect.stringMatching(/./),
      'x-amz-id-2': expect.stringMatching(/./),
    })
    expect(await refused(head({ Key: 'absent' }))).toMatchObject({ code: 'NotFound', status: 404 })
    expect((await refused(get({ Bucket: 'absent' }))).code).toBe('NoSuchBucket')
    const other = await region.bucket('other', { isVersioned: true })
    const { VersionId } = await region.sdk().putObject({ Bucket: other, Key: 'k', Body: 'x' })
    expect((await refused(get({ VersionId }))).code).toBe('NoSuchVersion')
    expect((await refused(get({ VersionId: 'bogus' }))).code).toBe('InvalidArgument')
  })

  test('answers a large object at the speed of its reader, and one that leaves harms nobody', async () => {
    const Body = Buffer.alloc(64 * 1024 * 1024, 'x')
    await region.sdk().putObject({ Bucket: 'get', Key: 'large', Body })
    const left = await region.sdk().getObject({ Bucket: 'get', Key: 'large' })
    const stream = left.Body as unknown as NodeJS.ReadableStream & { destroy(): void }
    for await (const _ of stream) break
    stream.destroy()
    const whole = await region.sdk().getObject({ Bucket: 'get', Key: 'large' })
    expect((await whole.Body!.transformToByteArray()).length).toBe(Body.length)
    expect(region.errors).toEqual([])
  })
})
