import { beforeAll, describe, expect, test } from 'vitest'
import { refused, s3UnderTest, setVersioning } from './s3-under-test.ts'

describe('versions', () => {
  const region = s3UnderTest()
  const Bucket = 'versioned'
  beforeAll(async () => {
    await region.bucket(Bucket)
  })
  const put = async (Key: string, Body: string) =>
    (await region.sdk().putObject({ Bucket, Key, Body })).VersionId
  const versions = async (Prefix: string) => {
    const { Versions = [], DeleteMarkers = [] } = await region
      .sdk()
      .listObjectVersions({ Bucket, Prefix })
    const told =
      (isMarker: boolean) =>
      (v: { VersionId?: string | undefined; IsLatest?: boolean | undefined }) => ({
        id: v.VersionId,
        isLatest: v.IsLatest,
        isMarker,
      })
    return [...Versions.map(told(false)), ...DeleteMarkers.map(told(true))]
  }

  test('are off, on and suspended, each with its ids', async () => {
    const told = async () => (await region.sdk().getBucketVersioning({ Bucket })).Status
    expect(await told()).toBeUndefined()
    expect(await put('states', 'off')).toBeUndefined()
    await setVersioning(region.sdk(), Bucket, 'Enabled')
    expect(await told()).toBe('Enabled')
    const one = await put('states', 'one')
    const two = await put('states', 'two')
    expect(one).toMatch(/^[A-Za-z0-9._-]{1,64}$/)
    expect(two).not.toBe(one)
    await setVersioning(region.sdk(), Bucket, 'Suspended')
    expect(await told()).toBe('Suspended')
    // The null version is replaced: that of the time before, and then that one.
    expect(await put('states', 'suspended')).toBe('null')
    expect(await put('states', 'suspended again')).toBe('null')
    await setVersioning(region.sdk(), Bucket, 'Enabled')

    expect(await versions('states')).toEqual([
      { id: 'null', isLatest: true, isMarker: false },
      { id: two, isLatest: false, isMarker: false },
      { id: one, isLatest: false, isMarker: false },
    ])
    expect(await region.text(Bucket, 'states')).toBe('suspended again')
    expect(await region.text(Bucket, 'states', one)).toBe('one')
    expect(await region.text(Bucket, 'states', 'null')).toBe('suspended again')
    const head = await region.sdk().headObject({ Bucket, Key: 'states', VersionId: two! })
    expect(head.VersionId).toBe(two)
  })

  test('are hidden by a delete marker and come back without it', async () => {
    const Key = 'marked'
    const id = await put(Key, 'kept')
    const deleted = await region.sdk().deleteObject({ Bucket, Key })
    expect(deleted).toMatchObject({ DeleteMarker: true, VersionId: expect.any(String) })

    const hidden = await refused(region.sdk().getObject({ Bucket, Key }))
    expect(hidden).toMatchObject({ code: 'NoSuchKey', status: 404 })
    expect(hidden.headers).toMatchObject({ 'x-amz-delete-marker': 'true' })
    const VersionId = deleted.VersionId!
    const named = await refused(region.sdk().getObject({ Bucket, Key, VersionId }))
    expect(named).toMatchObject({ code: 'MethodNotAllowed', status: 405 })
    expect(named.headers).toMatchObject({ 'x-amz-delete-marker': 'true', allow: 'DELETE' })
    expect(await refused(region.sdk().headObject({ Bucket, Key, VersionId }))).toMatchObject({
      status: 405,
    })
    expect((await region.sdk().listObjectsV2({ Bucket, Prefix: Key })).KeyCount).toBe(0)
    expect(await region.text(Bucket, Key, id)).toBe('kept')

    const undone = await region.sdk().deleteObject({ Bucket, Key, VersionId })
    expect(undone).toMatchObject({ DeleteMarker: true, VersionId })
    expect(await region.text(Bucket, Key)).toBe('kept')
  })

  test('go for good one by one', async () => {
    const Key = 'gone'
    const [one, two] = [await put(Key, 'one'), await put(Key, 'two')]
    const gone = await region.sdk().deleteObject({ Bucket, Key, VersionId: two! })
    expect(gone).toMatchObject({ VersionId: two })
    expect(gone.DeleteMarker).toBeUndefined()
    expect(await region.text(Bucket, Key)).toBe('one')
    expect(await versions(Key)).toEqual([{ id: one, isLatest: true, isMarker: false }])
    // Again, and of what never was: the same answer.
    await region.sdk().deleteObject({ Bucket, Key, VersionId: two! })
    expect(await versions(Key)).toHaveLength(1)
  })

  test('a delete marker stands also where nothing was', async () => {
    const deleted = await region.sdk().deleteObject({ Bucket, Key: 'never' })
    expect(deleted.DeleteMarker).toBe(true)
    expect(await versions('never')).toEqual([
      { id: deleted.VersionId, isLatest: true, isMarker: true },
    ])
  })

  test('cannot be suspended while they are replicated or locked', async () => {
    await region.bucket('replicated', { isVersioned: true })
    await region.bucket('other', { isVersioned: true })
    await region.sdk().putBucketReplication({
      Bucket: 'replicated',
      ReplicationConfiguration: {
        Role: 'arn:aws:iam::000000000000:role/r',
        Rules: [{ Status: 'Enabled', Prefix: '', Destination: { Bucket: 'arn:aws:s3:::other' } }],
      },
    })
    const suspend = (name: string) => refused(setVersioning(region.sdk(), name, 'Suspended'))
    expect(await suspend('replicated')).toMatchObject({ code: 'InvalidBucketState', status: 409 })
    await region.sdk().createBucket({ Bucket: 'locked', ObjectLockEnabledForBucket: true })
    expect(await suspend('locked')).toMatchObject({ code: 'InvalidBucketState', status: 409 })
    for (const name of ['replicated', 'locked']) {
      expect((await region.sdk().getBucketVersioning({ Bucket: name })).Status).toBe('Enabled')
    }
    await region.sdk().deleteBucketReplication({ Bucket: 'replicated' })
    await setVersioning(region.sdk(), 'replicated', 'Suspended')
  })

  test('refuse another state', async () => {
    const call = region.sdk().putBucketVersioning({
      Bucket,
      VersioningConfiguration: { Status: 'Disabled' as 'Enabled' },
    })
    expect((await refused(call)).code).toBe('IllegalVersioningConfigurationException')
  })
})
