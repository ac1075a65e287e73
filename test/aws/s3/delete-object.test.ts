import { beforeAll, describe, expect, test } from 'vitest'
import { refused, s3UnderTest } from './s3-under-test.ts'

describe('DeleteObject and DeleteObjects', () => {
  const region = s3UnderTest()
  const Bucket = 'delete'
  beforeAll(async () => {
    await region.bucket(Bucket)
  })
  const keys = async (Prefix: string) =>
    ((await region.sdk().listObjectsV2({ Bucket, Prefix })).Contents ?? []).map(({ Key }) => Key)
  const put = (Key: string) => region.sdk().putObject({ Bucket, Key, Body: Key })

  test('one goes, and is gone when asked again', async () => {
    await put('one')
    const outcome = await region.sdk().deleteObject({ Bucket, Key: 'one' })
    expect(outcome.$metadata.httpStatusCode).toBe(204)
    expect(outcome.DeleteMarker).toBeUndefined()
    expect((await refused(region.sdk().getObject({ Bucket, Key: 'one' }))).code).toBe('NoSuchKey')
    await region.sdk().deleteObject({ Bucket, Key: 'one' })
  })

  test('goes on condition', async () => {
    const { ETag } = await put('match')
    const call = (IfMatch: string) => region.sdk().deleteObject({ Bucket, Key: 'match', IfMatch })
    expect(await refused(call('"other"'))).toMatchObject({ status: 412 })
    expect(await keys('match')).toEqual(['match'])
    await call(ETag!)
    expect(await keys('match')).toEqual([])
  })

  test('many go at once, each with its outcome', async () => {
    const names = ['m/1', 'm/2 & <3>', 'm/ü']
    for (const name of [...names, 'm/kept']) await put(name)
    const Objects = [...names, 'm/absent'].map((Key) => ({ Key }))
    const outcome = await region.sdk().deleteObjects({ Bucket, Delete: { Objects } })
    expect(outcome.Deleted).toEqual(Objects)
    expect(outcome.Errors).toBeUndefined()
    expect(await keys('m/')).toEqual(['m/kept'])
    const Delete = { Objects: [{ Key: 'm/kept' }], Quiet: true }
    expect((await region.sdk().deleteObjects({ Bucket, Delete })).Deleted).toBeUndefined()
    expect(await keys('m/')).toEqual([])
  })

  test('tells of delete markers', async () => {
    await region.bucket('marked', { isVersioned: true })
    const Key = 'k'
    await region.sdk().putObject({ Bucket: 'marked', Key, Body: 'x' })
    const remove = async (VersionId?: string) => {
      const Objects = [{ Key, ...(VersionId ? { VersionId } : {}) }]
      return (await region.sdk().deleteObjects({ Bucket: 'marked', Delete: { Objects } })).Deleted
    }
    const [marker] = (await remove())!
    expect(marker).toEqual({ Key, DeleteMarker: true, DeleteMarkerVersionId: expect.any(String) })
    const id = marker!.DeleteMarkerVersionId!
    expect(await remove(id)).toEqual([
      { Key, VersionId: id, DeleteMarker: true, DeleteMarkerVersionId: id },
    ])
    expect(await region.text('marked', Key)).toBe('x')
  })

  test('refuses a list that is empty or too long', async () => {
    await put('stays')
    const call = (Objects: { Key: string }[]) =>
      refused(region.sdk().deleteObjects({ Bucket, Delete: { Objects } }))
    expect((await call([])).code).toBe('MalformedXML')
    const many = Array.from({ length: 1000 }, (_, n) => ({ Key: `x${n}` }))
    expect((await call([{ Key: 'stays' }, ...many])).code).toBe('MalformedXML')
    expect(await keys('stays')).toEqual(['stays'])
  })
})
