import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { rawRequest } from './raw-request.ts'
import { refused, s3UnderTest } from './s3-under-test.ts'

/** The members that bring a key, as every SDK makes them. */
function keyOf(key = randomBytes(32)) {
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: key.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
  }
}

const sourceKeyOf = (key: ReturnType<typeof keyOf>) => ({
  CopySourceSSECustomerAlgorithm: key.SSECustomerAlgorithm,
  CopySourceSSECustomerKey: key.SSECustomerKey,
  CopySourceSSECustomerKeyMD5: key.SSECustomerKeyMD5,
})

describe('encryption with keys of the customer', () => {
  const region = s3UnderTest()
  const Bucket = 'sealed'
  beforeAll(async () => {
    await region.bucket(Bucket)
  })
  const key = keyOf()
  const { SSECustomerKey: _, ...told } = key
  const other = keyOf()
  const get = async (Key: string, more: object = {}) => {
    const got = await region.sdk().getObject({ Bucket, Key, ...more })
    return Buffer.from(await got.Body!.transformToByteArray())
  }

  test.each([0, 1, 16_385, 3_000_000])(
    'puts and gets %i bytes, and a range of them',
    async (size) => {
      const Key = `of-${size}`
      const body = randomBytes(size)
      const put = await region.sdk().putObject({ Bucket, Key, Body: body, ...key })
      expect(put).toMatchObject(told)
      expect(put.ServerSideEncryption).toBeUndefined()
      expect(put.ETag).not.toContain(createHash('md5').update(body).digest('hex'))
      expect((await get(Key, key)).equals(body)).toBe(true)
      const head = await region.sdk().headObject({ Bucket, Key, ...key })
      expect(head).toMatchObject({ ...told, ContentLength: size, ETag: put.ETag })
      expect(head.ServerSideEncryption).toBeUndefined()
      if (size === 0) return
      const range = await get(Key, { ...key, Range: `bytes=${size >> 1}-` })
      expect(range.equals(body.subarray(size >> 1))).toBe(true)
    },
  )

  test('gives nothing away without the key, or with another one', async () => {
    const Key = 'secret'
    await region.sdk().putObject({ Bucket, Key, Body: 'secret', ...key })
    const invalid = { code: 'InvalidRequest', status: 400 }
    expect(await refused(get(Key))).toMatchObject(invalid)
    expect((await refused(region.sdk().headObject({ Bucket, Key }))).status).toBe(400)
    const denied = { code: 'AccessDenied', status: 403 }
    expect(await refused(get(Key, other))).toMatchObject(denied)
    expect((await refused(region.sdk().headObject({ Bucket, Key, ...other }))).status).toBe(403)
    const attributes = { Bucket, Key, ObjectAttributes: ['Checksum' as const] }
    expect(await refused(region.sdk().getObjectAttributes(attributes))).toMatchObject(invalid)
    await region.sdk().putObject({ Bucket, Key: 'open', Body: 'open' })
    expect(await refused(get('open', key))).toMatchObject(invalid)
  })

  test('takes no key by halves', async () => {
    const prefix = 'x-amz-server-side-encryption-customer'
    const short = keyOf(randomBytes(16))
    const attempts: readonly (readonly [Partial<typeof key>, string, string?])[] = [
      [{ SSECustomerAlgorithm: 'AES256' }, 'InvalidArgument'],
      [{ ...key, SSECustomerKey: undefined as never }, 'InvalidArgument'],
      [{ ...key, SSECustomerAlgorithm: undefined as never }, 'InvalidArgument'],
      [{ ...key, SSECustomerKeyMD5: undefined as never }, 'InvalidArgument'],
      [{ ...key, SSECustomerKeyMD5: other.SSECustomerKeyMD5 }, 'InvalidArgument'],
      [short, 'InvalidArgument'],
      [{ ...key, SSECustomerAlgorithm: 'AES128' }, 'InvalidEncryptionAlgorithmError'],
      [key, 'InvalidArgument', 'AES256'],
    ]
    for (const [members, code, usual] of attempts) {
      const sent: [string, string | undefined][] = [
        [`${prefix}-algorithm`, members.SSECustomerAlgorithm],
        [`${prefix}-key`, members.SSECustomerKey],
        [`${prefix}-key-md5`, members.SSECustomerKeyMD5],
        ['x-amz-server-side-encryption', usual],
      ]
      const headers = sent.flatMap(([k, v]): [string, string][] =>
        v === undefined ? [] : [[k, v]],
      )
      const path = `/${Bucket}/never`
      const reply = await rawRequest(region, { method: 'PUT', path, headers, body: 'x' })
      expect(reply.status).toBe(400)
      const text = await reply.text()
      expect(text).toContain(`<Code>${code}</Code>`)
      expect(text).not.toContain(key.SSECustomerKey)
    }
    expect((await refused(get('never'))).code).toBe('NoSuchKey')
  })

  test('copies from a key to none, from none to a key, and from one to another', async () => {
    await region.sdk().putObject({ Bucket, Key: 'one', Body: 'copied', ...key })
    const copy = (from: string, Key: string, more: object) =>
      region.sdk().copyObject({ Bucket, Key, CopySource: `${Bucket}/${from}`, ...more })
    expect(await refused(copy('one', 'stolen', {}))).toMatchObject({ code: 'InvalidRequest' })
    const wrong = copy('one', 'stolen', sourceKeyOf(other))
    expect(await refused(wrong)).toMatchObject({ code: 'AccessDenied' })
    expect((await refused(get('stolen'))).code).toBe('NoSuchKey')

    await copy('one', 'plain', sourceKeyOf(key))
    expect((await get('plain')).toString()).toBe('copied')
    await copy('plain', 'again', other)
    expect((await get('again', other)).toString()).toBe('copied')
    await copy('again', 'turned', { ...sourceKeyOf(other), ...key })
    expect((await get('turned', key)).toString()).toBe('copied')
    expect((await refused(get('turned', other))).code).toBe('AccessDenied')
  })

  test('keeps to one key for all parts of an upload', async () => {
    const Key = 'parts'
    const begun = await region.sdk().createMultipartUpload({ Bucket, Key, ...key })
    expect(begun).toMatchObject(told)
    const UploadId = begun.UploadId!
    const part = (PartNumber: number, Body: Buffer, more: object) =>
      region.sdk().uploadPart({ Bucket, Key, UploadId, PartNumber, Body, ...more })
    const [first, last] = [randomBytes(5 << 20), randomBytes(100)]
    for (const members of [{}, other]) {
      expect(await refused(part(1, first, members))).toMatchObject({ code: 'InvalidRequest' })
    }
    const { ETag } = await part(1, first, key)
    await region.sdk().putObject({ Bucket, Key: 'source', Body: last, ...other })
    const copied = await region.sdk().uploadPartCopy({
      ...{ Bucket, Key, UploadId, PartNumber: 2, CopySource: `${Bucket}/source` },
      ...{ ...key, ...sourceKeyOf(other) },
    })
    const Parts = [
      { PartNumber: 1, ETag },
      { PartNumber: 2, ETag: copied.CopyPartResult!.ETag },
    ]
    await region.sdk().completeMultipartUpload({
      ...{ Bucket, Key, UploadId, MultipartUpload: { Parts } },
    })
    expect((await get(Key, key)).equals(Buffer.concat([first, last]))).toBe(true)
    expect((await get(Key, { ...key, PartNumber: 2 })).equals(last)).toBe(true)
    expect((await refused(get(Key, { PartNumber: 2 }))).code).toBe('InvalidRequest')
  })

  test('leaves neither the content nor the key on the disk', async () => {
    const content = Buffer.from('a sentence that nobody else writes, '.repeat(1000))
    await region.sdk().putObject({ Bucket, Key: 'at-rest', Body: content, ...key })
    await region
      .sdk()
      .putObject({ Bucket, Key: 'at-rest-short', Body: content.subarray(0, 90), ...key })
    const raw = Buffer.from(key.SSECustomerKey, 'base64')
    const secrets = [
      content.subarray(0, 60),
      raw,
      Buffer.from(key.SSECustomerKey),
      Buffer.from(raw.toString('hex')),
    ]
    for (const file of await filesIn(join(region.folder(), 's3'))) {
      const bytes = await readFile(file)
      for (const secret of secrets) expect(bytes.includes(secret), file).toBe(false)
    }
  })

  test('a bucket may block them', async () => {
    await region.bucket('blocking')
    await region.sdk().putBucketEncryption({
      Bucket: 'blocking',
      ServerSideEncryptionConfiguration: {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
            BlockedEncryptionTypes: { EncryptionType: ['SSE-C'] },
          },
        ],
      },
    })
    const call = region.sdk().putObject({ Bucket: 'blocking', Key: 'k', Body: 'x', ...key })
    expect(await refused(call)).toMatchObject({ code: 'AccessDenied', status: 403 })
    expect((await region.sdk().listObjectsV2({ Bucket: 'blocking' })).KeyCount).toBe(0)
    expect(region.errors).toEqual([])
  })
})

async function filesIn(folder: string): Promise<string[]> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true })
  return all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
