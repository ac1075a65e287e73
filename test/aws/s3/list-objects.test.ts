import type { ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { rawRequest } from './raw-request.ts'
import { refused, s3UnderTest, setVersioning } from './s3-under-test.ts'

const KEYS = ['a', 'a b', 'a/1', 'a/2', 'a/b/3', 'b', 'c/1', 'd+&<>\u0001', 'é', '\u{1f6df}', '￿']

describe('ListObjects, ListObjectsV2 and ListObjectVersions', () => {
  const region = s3UnderTest()
  const Bucket = 'list'
  beforeAll(async () => {
    await region.bucket(Bucket)
    for (const Key of KEYS) await region.sdk().putObject({ Bucket, Key, Body: Key })
  })
  const sorted = (keys: readonly string[]) =>
    [...keys].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)))
  const EncodingType = 'url' as const
  const v2 = (more: object = {}) => region.sdk().listObjectsV2({ Bucket, EncodingType, ...more })
  const namesOf = (list: { Contents?: { Key?: string | undefined }[] | undefined }) =>
    (list.Contents ?? []).map(({ Key }) => decodeURIComponent(Key!))
  const prefixesOf = (list: { CommonPrefixes?: { Prefix?: string | undefined }[] | undefined }) =>
    (list.CommonPrefixes ?? []).map(({ Prefix }) => decodeURIComponent(Prefix!))

  test('lists by the bytes of the keys', async () => {
    const list = await v2()
    expect(namesOf(list)).toEqual(sorted(KEYS))
    expect(list).toMatchObject({ KeyCount: KEYS.length, IsTruncated: false, MaxKeys: 1000 })
    expect(list.Contents![0]).toMatchObject({
      Key: 'a',
      Size: 1,
      ETag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
      LastModified: expect.any(Date),
      StorageClass: 'STANDARD',
      ChecksumAlgorithm: ['CRC32'],
    })
    expect(list.Contents![0]!.Owner).toBeUndefined()
    expect((await v2({ FetchOwner: true })).Contents![0]!.Owner?.ID).toMatch(/^[0-9a-f]{64}$/)
  })

  test('tells versions and delete markers in one order: by key, newest first', async () => {
    await region.bucket('mixed')
    await setVersioning(region.sdk(), 'mixed', 'Enabled')
    const mixed = { Bucket: 'mixed' }
    const expected: string[] = []
    for (const Key of ['a&b', 'c']) {
      const old = await region.sdk().putObject({ ...mixed, Key, Body: 'old' })
      const marker = await region.sdk().deleteObject({ ...mixed, Key })
      const newest = await region.sdk().putObject({ ...mixed, Key, Body: 'new' })
      expected.push(`Version ${newest.VersionId}`, `DeleteMarker ${marker.VersionId}`)
      expected.push(`Version ${old.VersionId}`)
    }
    const versions: [string, string][] = [['versions', '']]
    const page = await rawRequest(region, { method: 'GET', path: '/mixed', query: versions })
    const text = await page.text()
    const entries = text.matchAll(/<(Version|DeleteMarker)>.*?<VersionId>(.*?)<\/VersionId>/g)
    expect([...entries].map(([, kind, id]) => `${kind} ${id}`)).toEqual(expected)
    expect(text).toContain('<Key>a&amp;b</Key>')
  })

  test('lists keys as they are when not asked to encode them', async () => {
    const list = await region.sdk().listObjectsV2({ Bucket, Prefix: 'a', MaxKeys: 3 })
    expect(list.Contents!.map(({ Key }) => Key)).toEqual(['a', 'a b', 'a/1'])
  })

  test('rolls keys up to common prefixes', async () => {
    const list = await v2({ Delimiter: '/' })
    expect(prefixesOf(list)).toEqual(['a/', 'c/'])
    expect(namesOf(list)).toEqual(sorted(KEYS.filter((key) => !key.includes('/'))))
    expect(list.KeyCount).toBe(KEYS.length - 4 + 2)
    const below = await v2({ Delimiter: '/', Prefix: 'a/' })
    expect([namesOf(below), prefixesOf(below)]).toEqual([['a/1', 'a/2'], ['a/b/']])
    expect(prefixesOf(await v2({ Delimiter: 'b' }))).toEqual(['a b', 'a/b', 'b'])
  })

  test.each([1, 2, 3, 4])('pages by %i without losing or repeating anything', async (MaxKeys) => {
    for (const Delimiter of [undefined, '/']) {
      const whole = await v2({ Delimiter })
      const seen: { names: string[]; prefixes: string[] } = { names: [], prefixes: [] }
      let ContinuationToken: string | undefined
      do {
        const page = await v2({ MaxKeys, Delimiter, ContinuationToken })
        expect(page.KeyCount).toBeLessThanOrEqual(MaxKeys)
        expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined)
        seen.names.push(...namesOf(page))
        seen.prefixes.push(...prefixesOf(page))
        ContinuationToken = page.NextContinuationToken
      } while (ContinuationToken)
      expect(seen).toEqual({ names: namesOf(whole), prefixes: prefixesOf(whole) })
    }
  })

  test('pages the first version by markers', async () => {
    const list = (more: object) => region.sdk().listObjects({ Bucket, EncodingType, ...more })
    const first = await list({ MaxKeys: 2, Delimiter: '/' })
    expect([namesOf(first), first.NextMarker]).toEqual([['a', 'a b'], 'a%20b'])
    const second = await list({ MaxKeys: 2, Delimiter: '/', Marker: 'a b' })
    expect([prefixesOf(second), namesOf(second), second.NextMarker]).toEqual([['a/'], ['b'], 'b'])
    const plain = await list({ MaxKeys: 2 })
    expect([plain.IsTruncated, plain.NextMarker]).toEqual([true, undefined])
    expect(namesOf(await list({ MaxKeys: 2, Marker: 'a b' }))).toEqual(['a/1', 'a/2'])
    expect(plain.Contents![0]!.Owner?.ID).toMatch(/^[0-9a-f]{64}$/)
  })

  test('starts after a key, and may answer nothing', async () => {
    expect(namesOf(await v2({ StartAfter: 'b' }))[0]).toBe('c/1')
    expect(await v2({ MaxKeys: 0 })).toMatchObject({ KeyCount: 0, IsTruncated: false })
    expect(namesOf(await v2({ Prefix: 'zzz' }))).toEqual([])
  })

  test('refuses what it cannot read', async () => {
    expect((await refused(v2({ ContinuationToken: '!' }))).code).toBe('InvalidArgument')
    expect((await refused(v2({ MaxKeys: -1 }))).code).toBe('InvalidArgument')
    expect((await refused(v2({ EncodingType: 'base64' }))).code).toBe('InvalidArgument')
    expect((await refused(v2({ Bucket: 'absent' }))).code).toBe('NoSuchBucket')
  })

  test('lists versions and markers in pages, newest first', async () => {
    await region.bucket('many', { isVersioned: true })
    const ids: Record<string, string[]> = {}
    for (const Key of ['x/1', 'x/2', 'y']) {
      ids[Key] = []
      for (const Body of ['1', '2', '3']) {
        ids[Key].unshift((await region.sdk().putObject({ Bucket: 'many', Key, Body })).VersionId!)
      }
    }
    const marker = await region.sdk().deleteObject({ Bucket: 'many', Key: 'x/2' })
    const expected = ['x/1', 'x/2', 'y'].flatMap((Key) =>
      [...(Key === 'x/2' ? [marker.VersionId!] : []), ...ids[Key]!].map((id) => `${Key} ${id}`),
    )
    for (const MaxKeys of [1, 2, 5, 1000]) {
      const seen: string[] = []
      let next: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {}
      while (next) {
        const page: ListObjectVersionsCommandOutput = await region
          .sdk()
          .listObjectVersions({ Bucket: 'many', MaxKeys, ...next })
        const all = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]
        expect(all.length).toBeLessThanOrEqual(MaxKeys)
        seen.push(...all.map(({ Key, VersionId }) => `${Key} ${VersionId}`))
        const { NextKeyMarker, NextVersionIdMarker } = page
        next = page.IsTruncated
          ? { KeyMarker: NextKeyMarker!, VersionIdMarker: NextVersionIdMarker! }
          : undefined
      }
      expect(seen.sort()).toEqual([...expected].sort())
    }
    const rolled = await region.sdk().listObjectVersions({ Bucket: 'many', Delimiter: '/' })
    expect(prefixesOf(rolled)).toEqual(['x/'])
    expect(rolled.Versions!.map(({ VersionId }) => VersionId)).toEqual(ids.y)
    const call = region.sdk().listObjectVersions({ Bucket: 'many', VersionIdMarker: 'x' })
    expect((await refused(call)).code).toBe('InvalidArgument')
  })
})
