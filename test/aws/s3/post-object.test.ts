import { createHash, createHmac, randomBytes } from 'node:crypto'
import { S3 } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { hmac, signingKeyOf } from '../../../src/region/protocol/canonical-request.ts'
import { basicTime } from '../../security/forgeries.ts'
import { iamUnderTest, policyOf } from '../iam/iam-under-test.ts'
import { CREDENTIALS, REGION } from '../region-under-test.ts'
import { refused } from './s3-under-test.ts'

type Fields = Record<string, string>
type Condition = Fields | readonly unknown[]

describe('POST Object: forms of browsers', () => {
  const region = iamUnderTest()
  const Bucket = 'forms'
  let s3: S3
  beforeAll(async () => {
    s3 = new S3({ ...region.client(), forcePathStyle: true })
    await s3.createBucket({ Bucket })
    await s3.createBucket({ Bucket: 'open', ObjectOwnership: 'ObjectWriter' })
    await s3.deletePublicAccessBlock({ Bucket: 'open' })
    await s3.putBucketAcl({ Bucket: 'open', ACL: 'public-read-write' })
  })
  const text = async (Key: string, bucket = Bucket, more: object = {}) => {
    const got = await s3.getObject({ Bucket: bucket, Key, ...more })
    return await got.Body!.transformToString()
  }

  const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString()
  const CONDITIONS: readonly Condition[] = [
    { bucket: Bucket },
    ['starts-with', '$key', 'foo'],
    ['starts-with', '$Content-Type', 'text/'],
    ['content-length-range', 0, 1024],
  ]
  const FIELDS = { key: 'foo.txt', 'Content-Type': 'text/plain' }
  const encode = (policy: object | string) =>
    Buffer.from(typeof policy === 'string' ? policy : JSON.stringify(policy)).toString('base64')

  /** The fields of a form with those that sign its policy, by version 4. */
  const signedV4 = (fields: Fields, policy: object | string, keys = CREDENTIALS): Fields => {
    const time = basicTime(new Date())
    const scope = { date: time.slice(0, 8), region: REGION, service: 's3' }
    const own = {
      'x-amz-algorithm': 'AWS4-HMAC-SHA256',
      'x-amz-credential': `${keys.accessKeyId}/${scope.date}/${REGION}/s3/aws4_request`,
      'x-amz-date': time,
    }
    const conditions =
      typeof policy === 'object' ? (policy as { conditions?: unknown }).conditions : 0
    const complete = Array.isArray(conditions)
      ? {
          ...(policy as object),
          conditions: [...conditions, ...Object.entries(own).map(([k, v]) => ({ [k]: v }))],
        }
      : policy
    const encoded = encode(complete)
    const signature = hmac(signingKeyOf(keys.secretAccessKey, scope), encoded).toString('hex')
    return { ...fields, ...own, policy: encoded, 'x-amz-signature': signature }
  }
  /** By version 2, as boto3 still does by default. */
  const signedV2 = (fields: Fields, policy: object): Fields => {
    const encoded = encode(policy)
    const hash = createHmac('sha1', CREDENTIALS.secretAccessKey).update(encoded)
    const { accessKeyId: AWSAccessKeyId } = CREDENTIALS
    return { ...fields, AWSAccessKeyId, policy: encoded, signature: hash.digest('base64') }
  }
  const policy = (...more: Condition[]) => ({
    expiration: inMinutes(10),
    conditions: [...CONDITIONS, ...more],
  })

  const post = async (
    fields: Fields,
    o: { bucket?: string; body?: string | Buffer; filename?: string; after?: Fields } = {},
  ) => {
    const { bucket = Bucket, body = 'bar', filename = 'local.txt', after = {} } = o
    const form = new FormData()
    for (const [name, value] of Object.entries(fields)) form.append(name, value)
    form.append('file', new Blob([new Uint8Array(Buffer.from(body))]), filename)
    for (const [name, value] of Object.entries(after)) form.append(name, value)
    const url = `${region.endpoint()}/${bucket}`
    return await fetch(url, { method: 'POST', body: form, redirect: 'manual' })
  }
  const refusedWith = async (reply: Response) => {
    const [, code] = /<Code>(\w+)<\/Code>/.exec(await reply.text()) ?? []
    return `${reply.status} ${code}`
  }
  const keys = async (bucket = Bucket) =>
    ((await s3.listObjectsV2({ Bucket: bucket })).Contents ?? []).map(({ Key }) => Key)

  test.each([
    ['4', signedV4],
    ['2', signedV2],
  ])('stores a file whose policy was signed by version %s', async (_, signed) => {
    const meta: Condition = ['starts-with', '$x-amz-meta-by', 'br']
    const fields = { ...FIELDS, 'x-amz-meta-by': 'browser', 'x-ignore-this': 'x' }
    const reply = await post(signed(fields, policy(meta)), { after: { late: 'ignored' } })
    expect(reply.status).toBe(204)
    expect(reply.headers.get('etag')).toBe(`"${createHash('md5').update('bar').digest('hex')}"`)
    expect(reply.headers.get('location')).toBe(`${region.endpoint()}/${Bucket}/foo.txt`)
    const head = await s3.headObject({ Bucket, Key: 'foo.txt' })
    expect(head).toMatchObject({ ContentType: 'text/plain', Metadata: { by: 'browser' } })
    expect(await text('foo.txt')).toBe('bar')
    await s3.deleteObject({ Bucket, Key: 'foo.txt' })
  })

  test('streams a large file of any bytes, boundaries among them', async () => {
    const body = Buffer.concat([
      randomBytes(3_000_000),
      Buffer.from('\r\n--x\r\n--'),
      randomBytes(99),
    ])
    const conditions = [{ bucket: Bucket }, ['starts-with', '$key', '']]
    const signed = signedV4({ key: 'large' }, { expiration: inMinutes(1), conditions })
    expect((await post(signed, { body })).status).toBe(204)
    const got = await s3.getObject({ Bucket, Key: 'large' })
    expect(Buffer.from(await got.Body!.transformToByteArray()).equals(body)).toBe(true)
    await s3.deleteObject({ Bucket, Key: 'large' })
  })

  test('names the object after the file, and answers as the form says', async () => {
    const named = { ...FIELDS, key: ['foo/$', '{filename}'].join('') }
    const status = (code: string) =>
      post(
        signedV4(
          { ...named, success_action_status: code },
          policy(['eq', '$success_action_status', code]),
        ),
        { filename: 'C:\\photos\\été 1.txt' },
      )
    const created = await status('201')
    expect(created.status).toBe(201)
    const document = await created.text()
    expect(document).toContain('<PostResponse><Location>')
    expect(document).toContain(`<Bucket>${Bucket}</Bucket><Key>foo/été 1.txt</Key>`)
    expect(await text('foo/été 1.txt')).toBe('bar')
    const plain = await status('200')
    expect([plain.status, await plain.text()]).toEqual([200, ''])
    expect((await status('404')).status).toBe(204)
    const target = 'http://localhost/done?a=b'
    const redirected = await post(
      signedV4(
        { ...FIELDS, success_action_redirect: target },
        policy(['eq', '$success_action_redirect', target]),
      ),
    )
    expect(redirected.status).toBe(303)
    const etag = createHash('md5').update('bar').digest('hex')
    expect(redirected.headers.get('location')).toBe(
      `${target}&bucket=${Bucket}&key=foo.txt&etag=%22${etag}%22`,
    )
    for (const Key of ['foo.txt', 'foo/été 1.txt']) await s3.deleteObject({ Bucket, Key })
  })

  test('takes tags, encryption, a storage class and checksums', async () => {
    const tagging = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'
    const key = randomBytes(32)
    const members = {
      'x-amz-server-side-encryption-customer-algorithm': 'AES256',
      'x-amz-server-side-encryption-customer-key': key.toString('base64'),
      'x-amz-server-side-encryption-customer-key-md5': createHash('md5')
        .update(key)
        .digest('base64'),
    }
    const sha256 = createHash('sha256').update('bar').digest('base64')
    const fields = {
      ...{ ...FIELDS, ...members, tagging, 'x-amz-storage-class': 'STANDARD_IA' },
      'x-amz-checksum-sha256': sha256,
    }
    const more = Object.keys(fields).map((name): Condition => ['starts-with', `$${name}`, ''])
    expect((await post(signedV4(fields, policy(...more)))).status).toBe(204)
    const SSE = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: key.toString('base64') }
    expect(await text('foo.txt', Bucket, SSE)).toBe('bar')
    const head = await s3.headObject({ Bucket, Key: 'foo.txt', ChecksumMode: 'ENABLED', ...SSE })
    expect(head).toMatchObject({ StorageClass: 'STANDARD_IA', ChecksumSHA256: sha256, TagCount: 1 })
    await s3.deleteObject({ Bucket, Key: 'foo.txt' })
    const wrong = { ...fields, 'x-amz-checksum-sha256': createHash('sha256').digest('base64') }
    expect(await refusedWith(await post(signedV4(wrong, policy(...more))))).toBe('400 BadDigest')
    expect(await keys()).toEqual([])
  })

  const past = { expiration: inMinutes(-10), conditions: CONDITIONS }
  test.each<[string, Fields, object | string, string]>([
    ['that has expired', FIELDS, past, '403 AccessDenied'],
    [
      'of another bucket',
      FIELDS,
      { ...policy(), conditions: [{ bucket: 'x' }, ...CONDITIONS.slice(1)] },
      '403 AccessDenied',
    ],
    [
      'that does not name the bucket',
      FIELDS,
      { ...policy(), conditions: CONDITIONS.slice(1) },
      '403 AccessDenied',
    ],
    ['of another key', { ...FIELDS, key: 'bar' }, policy(), '403 AccessDenied'],
    ['with a field that is not there', FIELDS, policy({ 'x-amz-meta-a': 'b' }), '403 AccessDenied'],
    [
      'without a field that is there',
      { ...FIELDS, 'x-amz-meta-a': 'b' },
      policy(),
      '403 AccessDenied',
    ],
    [
      'with another value',
      { ...FIELDS, 'x-amz-meta-a': 'b' },
      policy(['eq', '$x-amz-meta-a', '']),
      '403 AccessDenied',
    ],
    ['of a longer file', FIELDS, policy(['content-length-range', 4, 100]), '400 EntityTooSmall'],
    ['of a shorter file', FIELDS, policy(['content-length-range', 0, 2]), '400 EntityTooLarge'],
    ['without an expiration', FIELDS, { conditions: CONDITIONS }, '400 InvalidPolicyDocument'],
    ['without conditions', FIELDS, { expiration: inMinutes(1) }, '400 InvalidPolicyDocument'],
    [
      'with an empty condition',
      FIELDS,
      { ...policy(), conditions: [{}] },
      '400 InvalidPolicyDocument',
    ],
    ['with half a range', FIELDS, policy(['content-length-range', 0]), '400 InvalidPolicyDocument'],
    [
      'with a range below none',
      FIELDS,
      policy(['content-length-range', -1, 0]),
      '400 InvalidPolicyDocument',
    ],
    [
      'whose words are in capitals',
      FIELDS,
      { EXPIRATION: inMinutes(1), CONDITIONS },
      '400 InvalidPolicyDocument',
    ],
    [
      'with another form of time',
      FIELDS,
      { ...policy(), expiration: '2099-01-01 00:00:00' },
      '400 InvalidPolicyDocument',
    ],
    ['that is no JSON', FIELDS, '{', '400 InvalidPolicyDocument'],
    ['of a form without a key', { 'Content-Type': 'text/plain' }, policy(), '400 InvalidArgument'],
    [
      'with an ACL where there is none',
      { ...FIELDS, acl: 'public-read' },
      policy({ acl: 'public-read' }),
      '400 AccessControlListNotSupported',
    ],
  ])('refuses a policy %s, and stores nothing', async (_, fields, document, expected) => {
    expect(await refusedWith(await post(signedV4(fields, document)))).toBe(expected)
    expect(await keys()).toEqual([])
  })

  test('names of fields and operators are those of any case', async () => {
    const conditions = [
      { bUcKeT: Bucket },
      ['StArTs-WiTh', '$KeY', 'foo'],
      ['eq', '$CoNtEnT-TyPe', 'text/plain'],
    ]
    const fields = signedV4(
      { kEy: 'foo.txt', 'Content-Type': 'text/plain' },
      { expiration: inMinutes(1), conditions },
    )
    const { policy: encoded = '', ...rest } = fields
    expect((await post({ ...rest, pOLICy: encoded })).status).toBe(204)
    await s3.deleteObject({ Bucket, Key: 'foo.txt' })
  })

  test('refuses other signatures, unknown keys and forms signed by halves', async () => {
    const good = signedV4(FIELDS, policy())
    const without = (name: string) => {
      const { [name]: _, ...rest } = good
      return rest as Fields
    }
    const other = { ...CREDENTIALS, secretAccessKey: 'another secret' }
    const unknown = { ...CREDENTIALS, accessKeyId: 'AKIANOSUCHKEY0000000' }
    const cases: [Fields, string][] = [
      [signedV4(FIELDS, policy(), other), '403 SignatureDoesNotMatch'],
      [signedV4(FIELDS, policy(), unknown), '403 InvalidAccessKeyId'],
      [{ ...good, policy: encode(policy({ x: 'y' })) }, '403 SignatureDoesNotMatch'],
      [without('x-amz-signature'), '400 InvalidArgument'],
      [without('policy'), '400 InvalidArgument'],
      [without('x-amz-date'), '400 InvalidArgument'],
      [{ ...good, 'x-amz-algorithm': 'AWS4-HMAC-SHA1' }, '400 InvalidArgument'],
    ]
    for (const [fields, expected] of cases) {
      expect(await refusedWith(await post(fields))).toBe(expected)
    }
    const { signature: _, ...v2 } = signedV2(FIELDS, policy())
    expect(await refusedWith(await post(v2 as Fields))).toBe('400 InvalidArgument')
    expect(await keys()).toEqual([])
  })

  test('who signed it must be allowed to write', async () => {
    const user = await region.userWith('poster', policyOf({ Action: 's3:GetObject' }))
    expect(await refusedWith(await post(signedV4(FIELDS, policy(), user)))).toBe('403 AccessDenied')
    expect(await keys()).toEqual([])
    const mine = policyOf({ Action: 's3:PutObject', Resource: `arn:aws:s3:::${Bucket}/foo*` })
    await region
      .iam()
      .putUserPolicy({ UserName: 'poster', PolicyName: 'put', PolicyDocument: mine })
    expect((await post(signedV4(FIELDS, policy(), user))).status).toBe(204)
    await s3.deleteObject({ Bucket, Key: 'foo.txt' })
  })

  test('nobody signs where everybody may write', async () => {
    const reply = await post({ ...FIELDS, acl: 'public-read' }, { bucket: 'open' })
    expect(reply.status).toBe(204)
    expect((await fetch(`${region.endpoint()}/open/foo.txt`)).status).toBe(200)
    expect(await refusedWith(await post(FIELDS))).toBe('403 AccessDenied')
    expect(await refusedWith(await post(FIELDS, { bucket: 'absent' }))).toBe('404 NoSuchBucket')
    expect(await keys()).toEqual([])
  })

  test('refuses what is no form, or is cut off', async () => {
    const url = `${region.endpoint()}/${Bucket}`
    const plain = await fetch(url, { method: 'POST', body: 'a=b' })
    expect(await refusedWith(plain)).toBe('412 PreconditionFailed')
    const send = (body: string) =>
      fetch(url, {
        method: 'POST',
        body,
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
      })
    const part = (name: string, value: string) =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    expect(await refusedWith(await send(`${part('key', 'foo')}--b--\r\n`))).toBe(
      '400 InvalidArgument',
    )
    expect(await refusedWith(await send(part('key', 'foo')))).toBe('400 IncompleteBody')
    const long = part('x', 'y'.repeat(30_000))
    expect(await refusedWith(await send(long))).toBe('400 MaxPostPreDataLengthExceededError')
    const twice = part('key', 'foo') + part('key', 'bar')
    expect(await refusedWith(await send(twice))).toBe('400 InvalidArgument')
    const cut = part('key', 'foo') + part('file', 'content').slice(0, -2)
    expect(
      await refusedWith(
        await fetch(`${region.endpoint()}/open`, {
          method: 'POST',
          body: cut,
          headers: { 'content-type': 'multipart/form-data; boundary=b' },
        }),
      ),
    ).toBe('400 IncompleteBody')
    expect((await refused(s3.getObject({ Bucket: 'open', Key: 'foo' }))).code).toBe('NoSuchKey')
    expect(await keys()).toEqual([])
    expect(region.errors).toEqual([])
  })
})
