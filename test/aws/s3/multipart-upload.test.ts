import { createHash } from 'node:crypto'
import type { CompletedPart } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { refused, s3UnderTest } from './s3-under-test.ts'

const MIB = 1024 * 1024

describe('uploads in parts', () => {
  const region = s3UnderTest()
  const Bucket = 'multipart'
  const body = (size: number, fill: string) => Buffer.alloc(size, fill)
  const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest()
  beforeAll(async () => {
    await region.bucket(Bucket)
  })
  const begin = async (Key: string, more: object = {}) =>
    (await region.sdk().createMultipartUpload({ Bucket, Key, ...more })).UploadId!
  const part = async (Key: string, UploadId: string, PartNumber: number, Body: Buffer) => {
    const put = await region.sdk().uploadPart({ Bucket, Key, UploadId, PartNumber, Body })
    const { ETag, ChecksumCRC32, ChecksumSHA256 } = put
    return { PartNumber, ETag, ChecksumCRC32, ChecksumSHA256 } as CompletedPart
  }
  const complete = (Key: string, UploadId: string, Parts: CompletedPart[], more: object = {}) =>
    region
      .sdk()
      .completeMultipartUpload({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more })
  const isThere = async (Key: string) =>
    ((await region.sdk().listObjectsV2({ Bucket, Prefix: Key })).Contents ?? []).length > 0

  test('become one object, with all that was said at the start', async () => {
    const Key = 'whole'
    const UploadId = await begin(Key, { ContentType: 'a/b', Metadata: { m: '1' }, Tagging: 'a=1' })
    const bodies = [body(5 * MIB, '1'), body(6 * MIB, '2'), body(10, '3')]
    // In another order, and with gaps between the numbers.
    const third = await part(Key, UploadId, 9, bodies[2]!)
    const first = await part(Key, UploadId, 1, body(5, 'x'))
    const again = await part(Key, UploadId, 1, bodies[0]!)
    const second = await part(Key, UploadId, 4, bodies[1]!)
    expect(again.ETag).not.toBe(first.ETag)
    expect(await isThere(Key)).toBe(false)

    const done = await complete(Key, UploadId, [again, second, third])
    const etag = `"${createHash('md5')
      .update(Buffer.concat(bodies.map(md5)))
      .digest('hex')}-3"`
    expect(done).toMatchObject({ Bucket, Key, ETag: etag, ChecksumType: 'FULL_OBJECT' })
    expect(done.ChecksumCRC64NVME).toMatch(/^.{11}=$/)
    const got = await region.sdk().getObject({ Bucket, Key })
    expect(got).toMatchObject({ ContentType: 'a/b', Metadata: { m: '1' }, TagCount: 1, ETag: etag })
    expect(Buffer.from(await got.Body!.transformToByteArray()).equals(Buffer.concat(bodies))).toBe(
      true,
    )
    const one = await region.sdk().getObject({ Bucket, Key, PartNumber: 2 })
    expect(one).toMatchObject({ PartsCount: 3, ContentLength: 6 * MIB })
    expect(one.ContentRange).toBe(`bytes ${5 * MIB}-${11 * MIB - 1}/${11 * MIB + 10}`)
    expect((await one.Body!.transformToString()).startsWith('222')).toBe(true)
    const range = await region
      .sdk()
      .getObject({ Bucket, Key, Range: `bytes=${5 * MIB - 2}-${5 * MIB + 1}` })
    expect(await range.Body!.transformToString()).toBe('1122')
    const beyond = region.sdk().getObject({ Bucket, Key, PartNumber: 4 })
    expect(await refused(beyond)).toMatchObject({ code: 'InvalidPartNumber', status: 416 })
    expect((await refused(complete(Key, UploadId, [again]))).code).toBe('NoSuchUpload')
  })

  test('have the checksum of the whole, as if it came in one piece', async () => {
    const bodies = [body(5 * MIB, 'p'), body(1234, 'q')]
    const one = await region.sdk().putObject({
      Bucket,
      Key: 'one-piece',
      Body: Buffer.concat(bodies),
      ChecksumAlgorithm: 'CRC32C',
    })
    const Key = 'full-object'
    const more = { ChecksumAlgorithm: 'CRC32C', ChecksumType: 'FULL_OBJECT' } as const
    const UploadId = await begin(Key, more)
    const parts = []
    for (const [index, Body] of bodies.entries()) {
      const at = { Bucket, Key, UploadId, PartNumber: index + 1 }
      const put = await region.sdk().uploadPart({ ...at, Body, ChecksumAlgorithm: 'CRC32C' })
      parts.push({ PartNumber: index + 1, ETag: put.ETag, ChecksumCRC32C: put.ChecksumCRC32C })
    }
    const wrong = complete(Key, UploadId, parts, { ChecksumCRC32C: 'AAAAAA==' })
    expect((await refused(wrong)).code).toBe('BadDigest')
    expect(await isThere(Key)).toBe(false)
    const done = await complete(Key, UploadId, parts, { ChecksumCRC32C: one.ChecksumCRC32C })
    expect(done).toMatchObject({ ChecksumCRC32C: one.ChecksumCRC32C, ChecksumType: 'FULL_OBJECT' })
  })

  test('have a checksum of checksums, when asked', async () => {
    const Key = 'composite'
    const UploadId = await begin(Key, { ChecksumAlgorithm: 'SHA256' })
    const bodies = [body(5 * MIB, 's'), body(3, 't')]
    const parts = []
    for (const [index, Body] of bodies.entries()) {
      const at = { Bucket, Key, UploadId, PartNumber: index + 1 }
      const put = await region.sdk().uploadPart({ ...at, Body, ChecksumAlgorithm: 'SHA256' })
      parts.push({ PartNumber: index + 1, ETag: put.ETag, ChecksumSHA256: put.ChecksumSHA256 })
    }
    const bare = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }))
    expect((await refused(complete(Key, UploadId, bare))).code).toBe('InvalidRequest')
    const hashes = bodies.map((bytes) => createHash('sha256').update(bytes).digest())
    const whole = createHash('sha256').update(Buffer.concat(hashes)).digest('base64')
    const done = await complete(Key, UploadId, parts)
    expect(done).toMatchObject({ ChecksumSHA256: `${whole}-2`, ChecksumType: 'COMPOSITE' })
    const told = await region.sdk().getObjectAttributes({
      Bucket,
      Key,
      ObjectAttributes: ['Checksum', 'ObjectParts', 'ObjectSize', 'ETag'],
    })
    expect(told.Checksum).toMatchObject({ ChecksumSHA256: `${whole}-2` })
    expect(told.ObjectParts).toMatchObject({ TotalPartsCount: 2 })
    expect(told.ObjectParts!.Parts).toEqual([
      { PartNumber: 1, Size: 5 * MIB, ChecksumSHA256: parts[0]!.ChecksumSHA256 },
      { PartNumber: 2, Size: 3, ChecksumSHA256: parts[1]!.ChecksumSHA256 },
    ])
    expect(told.ObjectSize).toBe(5 * MIB + 3)
    const other = region.sdk().uploadPart({
      ...{ Bucket, Key, PartNumber: 1, Body: 'x', ChecksumAlgorithm: 'SHA1' },
      UploadId: await begin(Key, { ChecksumAlgorithm: 'SHA256' }),
    })
    expect((await refused(other)).code).toBe('InvalidRequest')
  })

  test('tell the checksum of a part that is asked for', async () => {
    const Key = 'part-checksum'
    const composite = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' }
    const UploadId = await begin(Key, composite)
    const parts = [
      await part(Key, UploadId, 1, body(5 * MIB, 'p')),
      await part(Key, UploadId, 2, body(9, 'q')),
    ]
    const made = await complete(Key, UploadId, parts)
    const asked = { Bucket, Key, ChecksumMode: 'ENABLED' } as const
    const second = await region.sdk().headObject({ ...asked, PartNumber: 2 })
    expect(second.ChecksumCRC32).toBe(parts[1]!.ChecksumCRC32)
    const whole = await region.sdk().headObject(asked)
    expect(whole.ChecksumCRC32).toBe(made.ChecksumCRC32)
    expect(made.ChecksumCRC32).toMatch(/-2$/)
  })

  test('are refused when parts are missing, wrong, small or out of order', async () => {
    const Key = 'refused'
    const UploadId = await begin(Key)
    const small = await part(Key, UploadId, 1, body(100, 'a'))
    const last = await part(Key, UploadId, 2, body(100, 'b'))
    const code = async (parts: CompletedPart[], more: object = {}) =>
      (await refused(complete(Key, UploadId, parts, more))).code
    expect(await code([])).toBe('MalformedXML')
    expect(await code([last, small])).toBe('InvalidPartOrder')
    expect(await code([small, small])).toBe('InvalidPartOrder')
    expect(await code([{ ...small, PartNumber: 3 }])).toBe('InvalidPart')
    expect(await code([{ ...small, ETag: last.ETag! }])).toBe('InvalidPart')
    expect(await code([small, last])).toBe('EntityTooSmall')
    expect(await code([small], { MpuObjectSize: 99 })).toBe('InvalidRequest')
    expect(await isThere(Key)).toBe(false)
    await complete(Key, UploadId, [small], { MpuObjectSize: 100 })
    expect(await isThere(Key)).toBe(true)
  })

  test('complete on condition that nothing is there', async () => {
    const Key = 'condition'
    await region.sdk().putObject({ Bucket, Key, Body: 'first' })
    const UploadId = await begin(Key)
    const parts = [await part(Key, UploadId, 1, body(9, 'z'))]
    const call = complete(Key, UploadId, parts, { IfNoneMatch: '*' })
    expect(await refused(call)).toMatchObject({ code: 'PreconditionFailed', status: 412 })
    expect(await region.text(Bucket, Key)).toBe('first')
    await complete(Key, UploadId, parts)
    expect(await region.text(Bucket, Key)).toBe('zzzzzzzzz')
  })

  test('complete as before for a client that did not hear of it', async () => {
    const Key = 'repeated'
    const UploadId = await begin(Key, { StorageClass: 'STANDARD_IA' })
    const parts = [await part(Key, UploadId, 2, body(9, 'r'))]
    const listed = await region.sdk().listParts({ Bucket, Key, UploadId })
    expect(listed.StorageClass).toBe('STANDARD_IA')
    const { $metadata: _, ...first } = await complete(Key, UploadId, parts)
    const { LastModified } = await region.sdk().headObject({ Bucket, Key })
    expect(await complete(Key, UploadId, parts)).toMatchObject(first)
    expect((await region.sdk().headObject({ Bucket, Key })).LastModified).toEqual(LastModified)
    const others = [{ ...parts[0]!, PartNumber: 1 }]
    const gone = { code: 'NoSuchUpload', status: 404 }
    expect(await refused(complete(Key, UploadId, others))).toMatchObject(gone)
    expect(await refused(complete('other', UploadId, parts))).toMatchObject(gone)
    await region.sdk().putObject({ Bucket, Key, Body: 'newer' })
    expect(await refused(complete(Key, UploadId, parts))).toMatchObject(gone)
    expect(await region.text(Bucket, Key)).toBe('newer')
  })

  test('a part that is not what was claimed is not stored', async () => {
    const Key = 'bad-part'
    const UploadId = await begin(Key)
    const put = region.sdk().uploadPart({
      ...{
        Bucket,
        Key,
        UploadId,
        PartNumber: 1,
        Body: 'x',
        ContentMD5: md5(body(1, 'y')).toString('base64'),
      },
    })
    expect((await refused(put)).code).toBe('BadDigest')
    const parts = await region.sdk().listParts({ Bucket, Key, UploadId })
    expect(parts.Parts).toBeUndefined()
    for (const PartNumber of [0, 10_001]) {
      const call = region.sdk().uploadPart({ Bucket, Key, UploadId, PartNumber, Body: 'x' })
      expect((await refused(call)).code).toBe('InvalidArgument')
    }
  })

  test('are listed, and gone when aborted', async () => {
    const Key = 'listed/a'
    const UploadId = await begin(Key)
    const other = await begin('listed/b')
    for (const number of [1, 2, 3]) await part(Key, UploadId, number, body(number, 'l'))
    const list = (more: object) => region.sdk().listParts({ Bucket, Key, UploadId, ...more })
    const first = await list({ MaxParts: 2 })
    expect(first.Parts!.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
      [1, 1],
      [2, 2],
    ])
    expect(first).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2' })
    const rest = await list({ MaxParts: 2, PartNumberMarker: '2' })
    expect(rest.Parts!.map(({ PartNumber }) => PartNumber)).toEqual([3])
    expect(rest.IsTruncated).toBe(false)

    const uploads = async (more: object = {}) =>
      (await region.sdk().listMultipartUploads({ Bucket, Prefix: 'listed/', ...more })).Uploads
    expect((await uploads())!.map((upload) => [upload.Key, upload.UploadId])).toEqual([
      ['listed/a', UploadId],
      ['listed/b', other],
    ])
    expect((await uploads({ MaxUploads: 1 }))!.map((upload) => upload.Key)).toEqual(['listed/a'])
    const after = { KeyMarker: 'listed/a', UploadIdMarker: UploadId }
    expect((await uploads(after))!.map((upload) => upload.Key)).toEqual(['listed/b'])

    const abort = () => region.sdk().abortMultipartUpload({ Bucket, Key, UploadId })
    await abort()
    expect(await refused(abort())).toMatchObject({ code: 'NoSuchUpload', status: 404 })
    expect((await refused(list({}))).code).toBe('NoSuchUpload')
    const late = region.sdk().uploadPart({ Bucket, Key, UploadId, PartNumber: 1, Body: 'x' })
    expect((await refused(late)).code).toBe('NoSuchUpload')
    expect((await uploads())!.map((upload) => upload.Key)).toEqual(['listed/b'])
    expect(await isThere('listed/a')).toBe(false)
  })

  test('take parts from other objects', async () => {
    const source = Buffer.concat([body(5 * MIB, '1'), body(100, '2')])
    await region.sdk().putObject({ Bucket, Key: 'source', Body: source })
    const Key = 'copied'
    const UploadId = await begin(Key)
    const copy = async (PartNumber: number, CopySourceRange: string) => {
      const CopySource = `${Bucket}/source`
      const at = { Bucket, Key, UploadId, PartNumber, CopySource, CopySourceRange }
      const { CopyPartResult } = await region.sdk().uploadPartCopy(at)
      return { PartNumber, ETag: CopyPartResult!.ETag }
    }
    const parts = [
      await copy(1, `bytes=0-${5 * MIB - 1}`),
      await copy(2, `bytes=${5 * MIB}-${5 * MIB + 9}`),
    ]
    expect((await refused(copy(3, `bytes=0-${5 * MIB + 100}`))).code).toBe('InvalidArgument')
    expect((await refused(copy(3, 'bytes=-5'))).code).toBe('InvalidArgument')
    await complete(Key, UploadId, parts)
    const got = await region.sdk().getObject({ Bucket, Key })
    const bytes = Buffer.from(await got.Body!.transformToByteArray())
    expect(bytes.equals(source.subarray(0, 5 * MIB + 10))).toBe(true)
  })
})
