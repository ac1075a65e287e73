import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { sha256Hex } from '../../../src/region/protocol/canonical-request.ts'
import { bytesOf, type Draft, signed } from '../../security/drafts.ts'
import { basicTime } from '../../security/forgeries.ts'
import { RawConnection } from '../../security/raw-connection.ts'
import { presignedUrl } from './presigned-url.ts'
import { CREDENTIALS, REGION, refused, s3UnderTest } from './s3-under-test.ts'

/** Every parser that S3's requests reach, with what is almost right: by proven requests, so that nothing stops before it. */

const RUNS = Number(process.env.LIFEBOAT_FUZZ ?? 100)
/** What a parser may hold on to after all of it, in bytes. */
const MOST_GROWTH_BYTES = 24 << 20

const Bucket = 'fuzz'

describe('almost right', () => {
  const region = s3UnderTest()
  let connection: RawConnection
  beforeAll(async () => {
    await region.bucket(Bucket)
    await region.sdk().putObject({ Bucket, Key: 'k', Body: 'content' })
    connection = new RawConnection(region.port())
    return () => connection.close()
  })

  const send = async (o: {
    method: string
    path: string
    query?: [string, string][]
    headers?: [string, string][]
    body: string | Buffer
    payloadHash?: string
  }) => {
    const { query = [], headers = [], body, payloadHash = sha256Hex(o.body) } = o
    const time = basicTime(new Date())
    const scope = { date: time.slice(0, 8), region: REGION, service: 's3' }
    const draft: Draft = {
      ...{ method: o.method, path: o.path, query, body },
      headers: [['Host', 'a'], ['X-Amz-Content-Sha256', payloadHash], ...headers],
    }
    const signing = { ...CREDENTIALS, scope, time, payloadHash, isPathVerbatim: true }
    const reply = await connection.send(bytesOf(signed(draft, signing)))
    expect(region.errors.splice(0)).toEqual([])
    expect(reply?.status ?? 400).toBeLessThan(500)
    return reply
  }

  /** Runs it twice and looks at what is left in memory after the second time. */
  const withoutGrowth = async (work: () => Promise<void>) => {
    await work()
    const before = heapBytes()
    await work()
    expect(heapBytes() - before).toBeLessThan(MOST_GROWTH_BYTES)
  }

  test('XML is answered', async () => {
    const whole = fc.constantFrom(
      [
        'delete',
        '<Delete><Object><Key>k</Key><VersionId>null</VersionId></Object><Quiet>true</Quiet></Delete>',
      ],
      ['tagging', '<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>'],
      [
        'cors',
        '<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>',
      ],
      [
        'lifecycle',
        '<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status><Filter><And><Prefix>p</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>',
      ],
      [
        'website',
        '<WebsiteConfiguration><IndexDocument><Suffix>i</Suffix></IndexDocument></WebsiteConfiguration>',
      ],
      ['versioning', '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'],
      [
        'publicAccessBlock',
        '<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>',
      ],
    )
    await withoutGrowth(() =>
      fc.assert(
        fc.asyncProperty(whole, changes('<>/&;"=! \0'), async ([name, text], change) => {
          const method = name === 'delete' ? 'POST' : 'PUT'
          await send({ method, path: `/${Bucket}`, query: [[name!, '']], body: change(text!) })
        }),
        { numRuns: RUNS, endOnFailure: true },
      ),
    )
  })

  test('XML of many elements is refused before it takes memory', async () => {
    const before = heapBytes()
    const path = `/${Bucket}/k`
    for (const element of ['<Part/>', '<Part>', '<a/>', '<Part a="b"/>']) {
      const body = `<CompleteMultipartUpload>${element.repeat(300_000)}`
      const reply = await send({ method: 'POST', path, query: [['uploadId', 'x']], body })
      expect([reply?.status, reply?.body]).toEqual([400, expect.stringContaining('MalformedXML')])
    }
    expect(heapBytes() - before).toBeLessThan(MOST_GROWTH_BYTES)
  })

  test('aws-chunked bodies are answered, and stored only when they are whole', async () => {
    const content = 'a'.repeat(9000)
    const whole = `2328\r\n${content}\r\n5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n`
    await withoutGrowth(() =>
      fc.assert(
        fc.asyncProperty(changes('\r\n0123456789abcdef;:'), async (change) => {
          const body = Buffer.from(change(whole), 'latin1')
          await send({
            ...{ method: 'PUT', path: `/${Bucket}/chunked`, body },
            payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
            headers: [
              ['Content-Encoding', 'aws-chunked'],
              ['X-Amz-Decoded-Content-Length', '9005'],
              ['X-Amz-Trailer', 'x-amz-checksum-crc32'],
            ],
          })
          // Its checksum is never right.
          const head = region.sdk().headObject({ Bucket, Key: 'chunked' })
          expect((await refused(head)).status).toBe(404)
        }),
        { numRuns: RUNS, endOnFailure: true },
      ),
    )
  })

  test('policies are answered, and then decide without a failure of ours', async () => {
    const statement = {
      ...{ Sid: 'a', Effect: 'Allow', Principal: { AWS: '*' }, Action: ['s3:GetObject'] },
      Resource: [`arn:aws:s3:::${Bucket}/*`],
      Condition: {
        StringLike: { 'aws:Referer': ['a*'] },
        IpAddress: { 'aws:SourceIp': '10.0.0.0/8' },
      },
    }
    const whole = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    const anyStatement = fc.record(
      {
        Effect: fc.constantFrom('Allow', 'Deny'),
        Principal: fc.oneof(fc.constant('*'), fc.jsonValue()),
        Action: fc.oneof(fc.constant('s3:*'), fc.jsonValue()),
        Resource: fc.constantFrom(`arn:aws:s3:::${Bucket}/*`, [`arn:aws:s3:::${Bucket}`]),
        Condition: fc.oneof(
          fc.jsonValue(),
          fc.dictionary(
            fc.constantFrom('StringLike', 'Null', 'Bool', 'IpAddress', 'x'),
            fc.jsonValue(),
          ),
        ),
      },
      { requiredKeys: ['Effect', 'Principal', 'Action', 'Resource'] },
    )
    const policy = fc.oneof(
      changes('{}[]":,*\\').map((change) => change(whole)),
      anyStatement.map((Statement) => JSON.stringify({ Version: '2012-10-17', Statement })),
      fc.constantFrom('{"a":'.repeat(4000), `{"Statement":${'['.repeat(9000)}`, '{"__proto__":{}}'),
    )
    await withoutGrowth(() =>
      fc.assert(
        fc.asyncProperty(policy, async (body) => {
          await send({ method: 'PUT', path: `/${Bucket}`, query: [['policy', '']], body })
          const reply = await fetch(`${region.endpoint()}/${Bucket}/k`)
          await reply.text()
          expect([200, 403]).toContain(reply.status)
          expect(region.errors.splice(0)).toEqual([])
        }),
        { numRuns: RUNS, endOnFailure: true },
      ),
    )
    await region.sdk().deleteBucketPolicy({ Bucket })
  })

  test('presigned URLs are answered, and none but the right one reads', async () => {
    await region.sdk().putObject({ Bucket, Key: 'k', Body: 'content' })
    const whole = presignedUrl({ endpoint: region.endpoint(), method: 'GET', path: `/${Bucket}/k` })
    const [, query = ''] = whole.split('?')
    const right = new URLSearchParams(query)
    await withoutGrowth(() =>
      fc.assert(
        fc.asyncProperty(changes('%&=+;0123456789/TZ-'), async (change) => {
          const text = change(query).replaceAll(/[^!-~]/g, '')
          const reply = await fetch(`${region.endpoint()}/${Bucket}/k?${text}`)
          const body = await reply.text()
          expect(reply.status).toBeLessThan(500)
          expect(region.errors.splice(0)).toEqual([])
          const isRight = [...new URLSearchParams(text)].join() === [...right].join()
          if (!isRight) expect(body).not.toBe('content')
        }),
        { numRuns: RUNS, endOnFailure: true },
      ),
    )
    expect(await (await fetch(whole)).text()).toBe('content')
  })
})

/** Changes a text in a few places: what is there is removed, doubled or replaced by one of `letters`, or by anything. */
function changes(letters: string) {
  const letter = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...letters) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 2 }) },
  )
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 0, max: 12 }),
    by: fc.oneof(
      fc.constant(''),
      letter,
      fc.array(letter, { maxLength: 4 }).map((all) => all.join('')),
    ),
    isDoubled: fc.boolean(),
  })
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((all) => (text: string) => {
    let changed = text
    for (const { at, length, by, isDoubled } of all) {
      const from = Math.floor(at * changed.length)
      const taken = changed.slice(from, from + length)
      changed =
        changed.slice(0, from) + (isDoubled ? taken + taken : by) + changed.slice(from + length)
    }
    return changed
  })
}

/** What is in use after everything else was collected. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  collect()
  return process.memoryUsage().heapUsed
}
