import { beforeAll, describe, expect, test } from 'vitest'
import { refused, s3UnderTest } from './s3-under-test.ts'

describe('CopyObject', () => {
  const region = s3UnderTest()
  let etag: string
  beforeAll(async () => {
    await region.bucket('origin')
    await region.bucket('target', { isVersioned: true })
    const put = await region.sdk().putObject({
      Bucket: 'origin',
      Key: 'söurce +&',
      Body: 'the content',
      ContentType: 'a/b',
      Metadata: { m: '1' },
      Tagging: 'tag=1',
      StorageClass: 'STANDARD_IA',
    })
    etag = put.ETag!
  })
  const CopySource = `/origin/${encodeURIComponent('söurce +&')}`
  const copy = (Key: string, more: object = {}) =>
    region.sdk().copyObject({ Bucket: 'target', Key, CopySource, ...more })
  const tags = async (Key: string) =>
    (await region.sdk().getObjectTagging({ Bucket: 'target', Key })).TagSet

  test('copies content, metadata and tags, but not the storage class', async () => {
    const made = await copy('plain')
    expect(made.CopyObjectResult).toMatchObject({ ETag: etag, LastModified: expect.any(Date) })
    expect(made.VersionId).toEqual(expect.any(String))
    const head = await region.sdk().headObject({ Bucket: 'target', Key: 'plain' })
    expect(head).toMatchObject({ ContentType: 'a/b', Metadata: { m: '1' }, ETag: etag })
    expect(head.StorageClass).toBeUndefined()
    expect(await region.text('target', 'plain')).toBe('the content')
    expect(await tags('plain')).toEqual([{ Key: 'tag', Value: '1' }])
  })

  test('replaces metadata and tags when told', async () => {
    await copy('replaced', {
      MetadataDirective: 'REPLACE',
      ContentType: 'c/d',
      Metadata: { n: '2' },
      TaggingDirective: 'REPLACE',
      Tagging: 'other=2',
      StorageClass: 'GLACIER_IR',
    })
    const head = await region.sdk().headObject({ Bucket: 'target', Key: 'replaced' })
    expect(head).toMatchObject({ ContentType: 'c/d', StorageClass: 'GLACIER_IR' })
    expect(head.Metadata).toEqual({ n: '2' })
    expect(await tags('replaced')).toEqual([{ Key: 'other', Value: '2' }])
  })

  test('copies a version by its id', async () => {
    const put = (Body: string) => region.sdk().putObject({ Bucket: 'target', Key: 'v', Body })
    const first = await put('first')
    await put('second')
    const source = { CopySource: `target/v?versionId=${first.VersionId}` }
    const made = await copy('of-version', source)
    expect(made.CopySourceVersionId).toBe(first.VersionId)
    expect(await region.text('target', 'of-version')).toBe('first')
    const marker = await region.sdk().deleteObject({ Bucket: 'target', Key: 'v' })
    const ofMarker = { CopySource: `target/v?versionId=${marker.VersionId}` }
    expect((await refused(copy('no', ofMarker))).code).toBe('InvalidRequest')
    expect((await refused(copy('no', { CopySource: 'target/v' }))).code).toBe('NoSuchKey')
  })

  test('copies on conditions, which a copy never answers with 304', async () => {
    const past = new Date('2001-01-01')
    const future = new Date('2100-01-01')
    for (const condition of [
      { CopySourceIfMatch: '"other"' },
      { CopySourceIfNoneMatch: etag },
      { CopySourceIfModifiedSince: future },
      { CopySourceIfUnmodifiedSince: past },
    ]) {
      expect(await refused(copy('no', condition))).toMatchObject({ status: 412 })
    }
    expect(await refused(region.sdk().headObject({ Bucket: 'target', Key: 'no' }))).toMatchObject({
      status: 404,
    })
    await copy('yes', { CopySourceIfMatch: etag, CopySourceIfUnmodifiedSince: past })
  })

  test('onto itself must change something', async () => {
    const onto = (more: object) =>
      region.sdk().copyObject({ Bucket: 'origin', Key: 'söurce +&', CopySource, ...more })
    expect((await refused(onto({}))).code).toBe('InvalidRequest')
    await onto({ MetadataDirective: 'REPLACE', Metadata: { m: '3' } })
    const head = await region.sdk().headObject({ Bucket: 'origin', Key: 'söurce +&' })
    expect(head.Metadata).toEqual({ m: '3' })
    expect(await region.text('origin', 'söurce +&')).toBe('the content')
  })

  test('refuses a source that is not one', async () => {
    expect((await refused(copy('no', { CopySource: 'origin' }))).code).toBe('InvalidArgument')
    expect((await refused(copy('no', { CopySource: 'absent/k' }))).code).toBe('NoSuchBucket')
    expect((await refused(copy('no', { CopySource: 'origin/absent' }))).code).toBe('NoSuchKey')
  })

  test('refuses a directive that it does not know', async () => {
    for (const name of ['MetadataDirective', 'TaggingDirective']) {
      const outcome = await refused(copy('no', { [name]: 'MERGE' }))
      expect(outcome).toMatchObject({ code: 'InvalidArgument', status: 400 })
    }
    const absent = await refused(region.sdk().headObject({ Bucket: 'target', Key: 'no' }))
    expect(absent.status).toBe(404)
  })
})
