import { beforeAll, describe, expect, test } from 'vitest'
import { refused, s3UnderTest } from './s3-under-test.ts'

describe('object tagging', () => {
  const region = s3UnderTest()
  const at = { Bucket: 'tagging', Key: 'k' }
  const ids: string[] = []
  beforeAll(async () => {
    await region.bucket(at.Bucket, { isVersioned: true })
    for (const Body of ['one', 'two']) {
      ids.push((await region.sdk().putObject({ ...at, Body, Tagging: 'put=1' })).VersionId!)
    }
  })
  const set = (TagSet: { Key: string; Value: string }[], more: object = {}) =>
    region.sdk().putObjectTagging({ ...at, Tagging: { TagSet }, ...more })
  const told = async (more: object = {}) =>
    (await region.sdk().getObjectTagging({ ...at, ...more })).TagSet

  test('is replaced as a whole, on one version', async () => {
    const TagSet = [
      { Key: 'a', Value: '' },
      { Key: 'b c', Value: 'ü:/=+-@_.' },
    ]
    const outcome = await set(TagSet)
    expect(outcome.VersionId).toBe(ids[1])
    expect(await told()).toEqual(TagSet)
    expect(await told({ VersionId: ids[0] })).toEqual([{ Key: 'put', Value: '1' }])
    await set([{ Key: 'old', Value: '1' }], { VersionId: ids[0] })
    expect(await told()).toEqual(TagSet)
    expect((await region.sdk().headObject(at)).TagCount).toBe(2)
    expect(await region.text(at.Bucket, at.Key)).toBe('two')
  })

  test('is deleted', async () => {
    await set([{ Key: 'x', Value: '1' }])
    const outcome = await region.sdk().deleteObjectTagging(at)
    expect(outcome.$metadata.httpStatusCode).toBe(204)
    expect(await told()).toEqual([])
  })

  test('refuses tags that S3 does not take, and keeps the former', async () => {
    await set([{ Key: 'kept', Value: '1' }])
    const tag = (Key: string, Value = '') => ({ Key, Value })
    const code = async (tags: { Key: string; Value: string }[]) => (await refused(set(tags))).code
    expect(await code(Array.from({ length: 11 }, (_, n) => tag(`${n}`)))).toBe('BadRequest')
    expect(await code([tag('a'), tag('a')])).toBe('InvalidTag')
    expect(await code([tag('')])).toBe('InvalidTag')
    expect(await code([tag('k'.repeat(129))])).toBe('InvalidTag')
    expect(await code([tag('k', 'v'.repeat(257))])).toBe('InvalidTag')
    expect(await code([tag('a<b')])).toBe('InvalidTag')
    expect(await code([tag('aws:a')])).toBe('InvalidTag')
    expect(await told()).toEqual([tag('kept', '1')])
    const absent = region.sdk().getObjectTagging({ ...at, Key: 'absent' })
    expect((await refused(absent)).code).toBe('NoSuchKey')
  })
})
