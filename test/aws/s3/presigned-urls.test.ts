import { createHash } from 'node:crypto'
import { S3 } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { presignedUrl } from './presigned-url.ts'
import { refused, s3UnderTest } from './s3-under-test.ts'

describe('presigned URLs', () => {
  const region = s3UnderTest()
  const Bucket = 'presigned'
  beforeAll(async () => {
    await region.bucket(Bucket)
    await region.sdk().putObject({ Bucket, Key: 'a/b c+ü', Body: 'by URL' })
  })
  const path = `/${Bucket}/a/b%20c%2B%C3%BC`
  const url = (more: object = {}) =>
    presignedUrl({ endpoint: region.endpoint(), method: 'GET', path, ...more })
  const codeOf = async (reply: Response) => /<Code>(\w+)</.exec(await reply.text())?.[1]

  test('read and write', async () => {
    expect(await (await fetch(url())).text()).toBe('by URL')
    const target = { method: 'PUT', path: `/${Bucket}/put`, query: [['x-amz-meta-a', '1']] }
    const put = await fetch(url(target), { method: 'PUT', body: 'written' })
    expect(put.status).toBe(200)
    const head = await region.sdk().headObject({ Bucket, Key: 'put' })
    expect(head.Metadata).toEqual({ a: '1' })
    expect(await region.text(Bucket, 'put')).toBe('written')
  })

  test('carry headers of the request as parameters', async () => {
    const checksum = createHash('sha256').update('right').digest('base64')
    const query = [['x-amz-checksum-sha256', checksum]]
    const target = { method: 'PUT', path: `/${Bucket}/checked`, query }
    const wrong = await fetch(url(target), { method: 'PUT', body: 'wrong' })
    expect([wrong.status, await codeOf(wrong)]).toEqual([400, 'BadDigest'])
    const right = await fetch(url(target), { method: 'PUT', body: 'right' })
    expect(right.status).toBe(200)
    const type = await fetch(url({ query: [['response-content-type', 'x/y']] }))
    expect(type.headers.get('content-type')).toBe('x/y')
  })

  test('live as long as they say, and seven days at most', async () => {
    const WEEK = '604800'
    const at = (seconds: number) => new Date(Date.now() - seconds * 1000)
    expect((await fetch(url({ expires: WEEK, at: at(604_000) }))).status).toBe(200)
    const late = await fetch(url({ expires: '60', at: at(62) }))
    expect([late.status, await codeOf(late)]).toEqual([403, 'AccessDenied'])
    const long = await fetch(url({ expires: '604801' }))
    expect(long.status).toBe(400)
    const early = await fetch(url({ at: at(-1000) }))
    expect(early.status).toBe(403)
  })

  test('are good for what was signed only', async () => {
    const bent = [
      url().replace('/presigned/', '/other/'),
      url().replace('X-Amz-Expires=60', 'X-Amz-Expires=61'),
      `${url()}&versionId=null`,
      `${url()}&x-amz-checksum-mode=ENABLED`,
      url().replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
    ]
    for (const target of bent) {
      const reply = await fetch(target)
      expect([reply.status, await codeOf(reply)]).toEqual([403, 'SignatureDoesNotMatch'])
    }
    const put = await fetch(url(), { method: 'PUT', body: 'no' })
    expect([put.status, await codeOf(put)]).toEqual([403, 'SignatureDoesNotMatch'])
    const unsigned = await fetch(url(), { headers: { 'x-amz-request-payer': 'requester' } })
    expect(unsigned.status).toBe(403)
    expect(await region.text(Bucket, 'a/b c+ü')).toBe('by URL')
  })
})

describe('callers that are not known', () => {
  const region = s3UnderTest()
  const Bucket = 'closed'
  beforeAll(async () => {
    await region.bucket(Bucket)
    await region.sdk().putObject({ Bucket, Key: 'k', Body: 'secret' })
  })

  test('are refused in the words of S3', async () => {
    const as = (credentials: { accessKeyId: string; secretAccessKey: string }) =>
      new S3({ ...region.client(), credentials, forcePathStyle: true })
    const { credentials } = region.client()
    const wrong = as({ ...credentials, secretAccessKey: 'wrong' })
    expect(await refused(wrong.listObjectsV2({ Bucket }))).toMatchObject({
      code: 'SignatureDoesNotMatch',
      status: 403,
    })
    const unknown = as({ ...credentials, accessKeyId: 'AKIAUNKNOWN000000000' })
    expect(await refused(unknown.listObjectsV2({ Bucket }))).toMatchObject({
      code: 'InvalidAccessKeyId',
      status: 403,
    })
  })

  test('may do nothing that no policy opens to everybody', async () => {
    const url = `${region.endpoint()}/${Bucket}`
    const calls = [
      fetch(`${url}/k`),
      fetch(`${url}/absent`),
      fetch(url),
      fetch(`${url}?versions`),
      fetch(`${url}/new`, { method: 'PUT', body: 'x' }),
      fetch(`${url}/k`, { method: 'DELETE' }),
      fetch(`${region.endpoint()}/made`, { method: 'PUT' }),
    ]
    for (const call of calls) {
      const reply = await call
      expect(reply.status).toBe(403)
      expect(await reply.text()).toContain('<Code>AccessDenied</Code>')
    }
    // That a name is not taken is no secret.
    expect((await fetch(`${region.endpoint()}/absent/k`)).status).toBe(404)
    expect((await region.sdk().listObjectsV2({ Bucket })).KeyCount).toBe(1)
    expect(await region.text(Bucket, 'k')).toBe('secret')
  })

  test('are not let in by a policy while public policies are blocked', async () => {
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: '*',
          Action: 's3:GetObject',
          Resource: `arn:aws:s3:::${Bucket}/*`,
        },
      ],
    })
    const open = () => region.sdk().putBucketPolicy({ Bucket, Policy })
    expect(await refused(open())).toMatchObject({ code: 'AccessDenied', status: 403 })
    expect((await refused(region.sdk().getBucketPolicy({ Bucket }))).code).toBe(
      'NoSuchBucketPolicy',
    )
    const block = { BlockPublicPolicy: false, RestrictPublicBuckets: true }
    await region.sdk().putPublicAccessBlock({ Bucket, PublicAccessBlockConfiguration: block })
    await open()
    const { PolicyStatus } = await region.sdk().getBucketPolicyStatus({ Bucket })
    expect(PolicyStatus).toEqual({ IsPublic: true })
    expect((await fetch(`${region.endpoint()}/${Bucket}/k`)).status).toBe(403)
  })
})
