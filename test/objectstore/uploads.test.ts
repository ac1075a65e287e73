import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Bucket } from '../../src/objectstore/bucket.ts'
import { bytesOf, codeOf, StoreUnderTest } from './store-under-test.ts'

let under: StoreUnderTest
let bucket: Bucket
beforeAll(async () => {
  under = await StoreUnderTest.open()
})
beforeEach(async () => {
  bucket = await under.createBucket()
})
afterAll(() => under.close())

const md5 = (bytes: Buffer) => createHash('md5').update(bytes)

test('parts that came in any order and at the same time make one object, whose ranges cross them', async () => {
  for (const encrypt of [false, true]) {
    const { uploadId } = await bucket.uploads.begin('key', { encrypt, attributes: { type: 'a' } })
    const bodies = [1_000_000, 70_000, 10, 3].map((size, at) => Buffer.alloc(size, `part ${at} `))
    const parts = await Promise.all(
      bodies.map(async (body, at) => {
        const { etag } = await bucket.uploads.putPart(uploadId, (at + 1) * 7, body)
        expect(etag).toBe(md5(body).digest('hex'))
        return { number: (at + 1) * 7, etag }
      }),
    )
    const version = await bucket.uploads.complete(uploadId, parts)
    const whole = Buffer.concat(bodies)
    const digest = md5(Buffer.concat(bodies.map((body) => md5(body).digest()))).digest('hex')
    expect(version).toMatchObject({ etag: `${digest}-4`, sizeBytes: whole.length })
    expect(version.attributes).toEqual({ type: 'a' })
    expect((await bytesOf(bucket, version)).equals(whole)).toBe(true)
    for (const [from, to] of [
      [999_999, 1_000_001],
      [1_069_999, 1_070_011],
      [65_535, 1_070_013],
      [1_070_012, 1_070_013],
    ] as const) {
      expect((await bytesOf(bucket, version, { from, to })).equals(whole.subarray(from, to))).toBe(
        true,
      )
    }
    expect(bucket.uploads.find(uploadId)).toBeUndefined()
    expect(await codeOf(bucket.uploads.complete(uploadId, parts))).toBe('UploadNotFound')
  }
})

test('a part takes the place of one with its number; those that are not named are dropped', async () => {
  const { uploadId } = await bucket.uploads.begin('key')
  const first = await bucket.uploads.putPart(uploadId, 1, Buffer.alloc(100_000, 'a'))
  const second = await bucket.uploads.putPart(uploadId, 1, Buffer.alloc(100_000, 'b'))
  await bucket.uploads.putPart(uploadId, 2, Buffer.alloc(100_000, 'c'))
  const old = bucket.uploads.complete(uploadId, [{ number: 1, etag: first.etag }])
  expect(await codeOf(old)).toBe('PartInvalid')
  expect(bucket.find('key')).toBeUndefined()
  const version = await bucket.uploads.complete(uploadId, [{ number: 1, etag: second.etag }])
  expect((await bytesOf(bucket, version)).equals(Buffer.alloc(100_000, 'b'))).toBe(true)
})

test('an upload and its parts are listed in pages, and are still there when the store was opened again', async () => {
  const uploads = []
  for (const key of ['b', 'a/1', 'a/2', 'b']) uploads.push(await bucket.uploads.begin(key))
  const { uploadId } = uploads[0]!
  for (const number of [3, 1, 2, 10_000]) {
    await bucket.uploads.putPart(uploadId, number, Buffer.from(`${number}`))
  }
  await under.reopen()
  const again = under.store.findBucket(bucket.name)!
  const page = again.uploads.listParts(uploadId, { after: 1, limit: 2 })
  expect(page.parts.map(({ number }) => number)).toEqual([2, 3])
  expect(page.isTruncated).toBe(true)
  const listed = again.uploads.list({ delimiter: '/', limit: 2 })
  expect(listed.commonPrefixes).toEqual(['a/'])
  expect(listed.uploads.map(({ key }) => key)).toEqual(['b'])
  expect(listed.isTruncated).toBe(true)
  const rest = again.uploads.list({
    limit: 2,
    afterKey: 'b',
    afterUploadId: listed.uploads[0]!.uploadId,
  })
  expect(rest.uploads).toHaveLength(1)
  expect(rest.uploads[0]!.uploadId).not.toBe(listed.uploads[0]!.uploadId)
  expect(await codeOf(under.store.deleteBucket(bucket.name))).toBe('BucketNotEmpty')
})

test('an aborted upload takes no part any more', async () => {
  const { uploadId } = await bucket.uploads.begin('key')
  const { etag } = await bucket.uploads.putPart(uploadId, 1, Buffer.from('a'))
  await bucket.uploads.abort(uploadId)
  const late = bucket.uploads.putPart(uploadId, 2, Buffer.from('b'))
  expect(await codeOf(late)).toBe('UploadNotFound')
  const complete = bucket.uploads.complete(uploadId, [{ number: 1, etag }])
  expect(await codeOf(complete)).toBe('UploadNotFound')
  expect((await bucket.list({ limit: 10 })).objects).toEqual([])
})

test('of completions and an abort at the same time one wins', async () => {
  const { uploadId } = await bucket.uploads.begin('key')
  const { etag } = await bucket.uploads.putPart(uploadId, 1, Buffer.alloc(100_000, 'a'))
  const codes = await Promise.all([
    codeOf(bucket.uploads.complete(uploadId, [{ number: 1, etag }])),
    codeOf(bucket.uploads.abort(uploadId)),
    codeOf(bucket.uploads.complete(uploadId, [{ number: 1, etag }])),
  ])
  expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
  expect(codes.filter((code) => code === 'UploadNotFound')).toHaveLength(2)
})
