import { beforeAll, describe, expect, test } from 'vitest'
import { presignedUrl } from './presigned-url.ts'
import { refused, s3UnderTest } from './s3-under-test.ts'

describe('cross-origin requests', () => {
  const region = s3UnderTest()
  const Bucket = 'cors'
  const path = `/${Bucket}/k`
  beforeAll(async () => {
    await region.bucket('no-rules')
    await region.bucket(Bucket)
    await region.sdk().putObject({ Bucket, Key: 'k', Body: 'x' })
    await region.sdk().putBucketCors({
      Bucket,
      CORSConfiguration: {
        CORSRules: [
          {
            AllowedOrigins: ['https://*.example.com'],
            AllowedMethods: ['GET', 'PUT'],
            AllowedHeaders: ['content-type', 'x-amz-*'],
            ExposeHeaders: ['etag'],
            MaxAgeSeconds: 300,
          },
          { AllowedOrigins: ['*'], AllowedMethods: ['HEAD'] },
        ],
      },
    })
  })
  const ask = (headers: Record<string, string>, target = path) =>
    fetch(`${region.endpoint()}${target}`, { method: 'OPTIONS', headers })
  const from = (origin: string, method: string, more: Record<string, string> = {}) => ({
    origin,
    'access-control-request-method': method,
    ...more,
  })

  test('are allowed as the first rule that matches says', async () => {
    const asked = { 'access-control-request-headers': 'Content-Type, x-amz-date' }
    const url = presignedUrl({ endpoint: region.endpoint(), method: 'PUT', path })
    for (const target of [path, url.slice(region.endpoint().length)]) {
      const reply = await ask(from('https://app.example.com', 'PUT', asked), target)
      expect(reply.status).toBe(200)
      expect(Object.fromEntries(reply.headers)).toMatchObject({
        'access-control-allow-origin': 'https://app.example.com',
        'access-control-allow-methods': 'GET, PUT',
        'access-control-allow-headers': 'content-type, x-amz-date',
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': 'etag',
        'access-control-max-age': '300',
        vary: expect.stringContaining('Origin'),
      })
    }
    const open = await ask(from('https://other.test', 'HEAD'))
    expect(open.headers.get('access-control-allow-origin')).toBe('*')
    expect(open.headers.has('access-control-allow-credentials')).toBe(false)
  })

  test('are forbidden otherwise', async () => {
    const forbidden = [
      ask(from('https://example.com', 'PUT')),
      ask(from('https://app.example.com', 'DELETE')),
      ask(from('https://app.example.com', 'PUT', { 'access-control-request-headers': 'x-other' })),
      ask(from('https://app.example.com', 'PUT'), '/no-rules/k'),
      ask(from('https://app.example.com', 'PUT'), '/absent/k'),
    ]
    for (const reply of await Promise.all(forbidden)) {
      expect(reply.status).toBe(403)
      expect(reply.headers.has('access-control-allow-origin')).toBe(false)
      expect(await reply.text()).toContain('<Code>AccessForbidden</Code>')
    }
    expect((await ask({ origin: 'https://app.example.com' })).status).toBe(400)
  })

  test('are answered with what the browser needs, and only if they are allowed', async () => {
    const url = presignedUrl({ endpoint: region.endpoint(), method: 'GET', path })
    const reply = await fetch(url, { headers: { origin: 'https://app.example.com' } })
    expect(reply.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    const other = await fetch(url, { headers: { origin: 'https://evil.test' } })
    expect(other.status).toBe(200)
    expect(other.headers.has('access-control-allow-origin')).toBe(false)
  })

  test('let a page read a refusal as well', async () => {
    const open = (target: string, method = 'GET', more: Record<string, string> = {}) => {
      const headers = { origin: 'https://app.example.com', ...more }
      return fetch(`${region.endpoint()}${target}`, { method, headers })
    }
    const endpoint = region.endpoint()
    const forged = presignedUrl({ endpoint, method: 'PUT', path }).slice(endpoint.length)
    for (const target of [path, forged]) {
      const denied = await open(target)
      expect(denied.status).toBe(403)
      expect(denied.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    }
    const asked = await open(path, 'DELETE', { 'access-control-request-method': 'PUT' })
    expect(asked.status).toBe(403)
    expect(asked.headers.get('access-control-allow-methods')).toBe('GET, PUT')
    const without = await open(path, 'DELETE')
    expect([without.status, without.headers.has('access-control-allow-origin')]).toEqual([
      403,
      false,
    ])
  })

  test('rules that make no sense are refused', async () => {
    const put = async (rule: object) => {
      const CORSConfiguration = { CORSRules: [rule] as never }
      return (await refused(region.sdk().putBucketCors({ Bucket, CORSConfiguration }))).code
    }
    expect(await put({ AllowedMethods: ['PATCH'], AllowedOrigins: ['*'] })).toBe('InvalidRequest')
    expect(await put({ AllowedMethods: ['GET'], AllowedOrigins: ['*a*'] })).toBe('InvalidRequest')
    expect(await put({ AllowedMethods: ['GET'], AllowedOrigins: [] })).toBe('MalformedXML')
    const { CORSRules } = await region.sdk().getBucketCors({ Bucket })
    expect(CORSRules).toHaveLength(2)
  })
})
