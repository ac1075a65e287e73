import { describe, expect, test } from 'vitest'
import { DAY_MS, lifecycleUnderTest } from './lifecycle-under-test.ts'
import { refused } from './s3-under-test.ts'

describe('the lifecycle of a bucket', () => {
  const region = lifecycleUnderTest()
  const { bucket, forward, keys, rules, run, versions } = region
  const put = async (Bucket: string, Key: string, more: object = {}) =>
    (await region.sdk().putObject({ Bucket, Key, Body: Key, ...more })).VersionId!
  const days = (Days: number) => ({ Expiration: { Days } })

  test('expires what its filters mean when it is due, and nothing else', async () => {
    const Bucket = await bucket('filters')
    for (const key of ['logs/a', 'kept', 'tmp/small']) await put(Bucket, key)
    await put(Bucket, 'tmp/large', { Body: Buffer.alloc(2000) })
    await put(Bucket, 'tagged', { Tagging: 'class=scratch&team=shop' })
    await put(Bucket, 'other', { Tagging: 'class=keep' })
    await rules(
      Bucket,
      { ID: 'logs', Filter: { Prefix: 'logs/' }, ...days(3) },
      { ID: 'tags', Filter: { Tag: { Key: 'class', Value: 'scratch' } }, ...days(1) },
      { ID: 'both', Filter: { And: { Prefix: 'tmp/', ObjectSizeGreaterThan: 1000 } }, ...days(1) },
      { ID: 'off', Status: 'Disabled', ...days(1) },
    )
    await run(Bucket)
    expect(await keys(Bucket)).toEqual([
      'kept',
      'logs/a',
      'other',
      'tagged',
      'tmp/large',
      'tmp/small',
    ])
    forward(2)
    await run(Bucket)
    expect(await keys(Bucket)).toEqual(['kept', 'logs/a', 'other', 'tmp/small'])
    expect((await refused(region.text(Bucket, 'tagged'))).code).toBe('NoSuchKey')
    forward(2)
    await run(Bucket)
    expect(await keys(Bucket)).toEqual(['kept', 'other', 'tmp/small'])
    await region.sdk().deleteBucketLifecycle({ Bucket })
  })

  test('runs by itself once a day', async () => {
    const Bucket = await bucket('daily')
    await put(Bucket, 'a')
    await rules(Bucket, days(1))
    await run(Bucket)
    expect(await keys(Bucket)).toEqual(['a'])
    forward(2)
    await expect.poll(() => keys(Bucket)).toEqual([])
  })

  test('hides a current version, and removes noncurrent ones and markers that stand alone', async () => {
    const Bucket = await bucket('versions', { isVersioned: true })
    const first = await put(Bucket, 'a')
    const second = await put(Bucket, 'a')
    await rules(Bucket, { ...days(1), NoncurrentVersionExpiration: { NoncurrentDays: 3 } })
    forward(2)
    await run(Bucket)
    const hidden = await versions(Bucket)
    expect(hidden.map(({ kind, VersionId }) => (kind === 'marker' ? kind : VersionId))).toEqual([
      second,
      first,
      'marker',
    ])
    expect(hidden.find(({ IsLatest }) => IsLatest)?.kind).toBe('marker')
    expect(await region.text(Bucket, 'a', second)).toBe('a')
    // The first became noncurrent by the second, the second by the marker, two days later.
    forward(2)
    await run(Bucket)
    expect((await versions(Bucket)).map(({ VersionId }) => VersionId)).not.toContain(first)
    expect(await region.text(Bucket, 'a', second)).toBe('a')
    forward(2)
    await run(Bucket)
    expect(await versions(Bucket)).toEqual([])
  })

  test('keeps the newest noncurrent versions', async () => {
    const Bucket = await bucket('newer', { isVersioned: true })
    const ids: string[] = []
    for (let count = 0; count < 5; count++) ids.push(await put(Bucket, 'a'))
    await rules(Bucket, {
      NoncurrentVersionExpiration: { NoncurrentDays: 1, NewerNoncurrentVersions: 2 },
    })
    await run(Bucket)
    expect(await versions(Bucket)).toHaveLength(5)
    forward(2)
    await run(Bucket)
    const left = (await versions(Bucket)).map(({ VersionId }) => VersionId)
    expect(left).toEqual([ids[4], ids[3], ids[2]])
  })

  test('removes a delete marker only when no version is behind it', async () => {
    const Bucket = await bucket('markers', { isVersioned: true })
    for (const Key of ['alone', 'not-alone']) {
      const VersionId = await put(Bucket, Key)
      await region.sdk().deleteObject({ Bucket, Key })
      if (Key === 'alone') await region.sdk().deleteObject({ Bucket, Key, VersionId })
    }
    await rules(Bucket, { Expiration: { ExpiredObjectDeleteMarker: true } })
    await run(Bucket)
    const left = await versions(Bucket)
    expect(left.map(({ Key, kind }) => `${Key}:${kind}`).sort()).toEqual([
      'not-alone:marker',
      'not-alone:version',
    ])
  })

  test('of a suspended bucket, the version without an id is replaced by a marker without one', async () => {
    const Bucket = await bucket('suspended', { isVersioned: true })
    const old = await put(Bucket, 'a')
    await region.sdk().putBucketVersioning({
      Bucket,
      VersioningConfiguration: { Status: 'Suspended' },
    })
    await put(Bucket, 'a')
    await rules(Bucket, days(1))
    forward(2)
    await run(Bucket)
    const left = await versions(Bucket)
    expect(left).toEqual([
      { Key: 'a', VersionId: old, IsLatest: false, kind: 'version' },
      { Key: 'a', VersionId: 'null', IsLatest: true, kind: 'marker' },
    ])
  })

  test('leaves locked versions alone, and hides them all the same', async () => {
    const Bucket = 'locked-lifecycle'
    await region.sdk().createBucket({ Bucket, ObjectLockEnabledForBucket: true })
    const until = new Date(region.clock.now().getTime() + 20 * DAY_MS)
    const retained = await put(Bucket, 'retained', {
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: until,
    })
    const held = await put(Bucket, 'held', { ObjectLockLegalHoldStatus: 'ON' })
    await put(Bucket, 'free')
    await rules(Bucket, { ...days(1), NoncurrentVersionExpiration: { NoncurrentDays: 1 } })
    for (const _ of [1, 2]) {
      forward(2)
      await run(Bucket)
    }
    expect((await versions(Bucket)).map(({ Key, kind }) => `${Key}:${kind}`).sort()).toEqual([
      'held:marker',
      'held:version',
      'retained:marker',
      'retained:version',
    ])
    expect(await region.text(Bucket, 'retained', retained)).toBe('retained')
    expect(await region.text(Bucket, 'held', held)).toBe('held')
    forward(20)
    await run(Bucket)
    expect((await versions(Bucket)).map(({ Key }) => Key)).not.toContain('retained')
    expect(await region.text(Bucket, 'held', held)).toBe('held')
  })

  test('aborts uploads that were begun too long ago, and says when', async () => {
    const Bucket = await bucket('uploads')
    await rules(Bucket, {
      ID: 'abandoned',
      Filter: { Prefix: 'up/' },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
    })
    const begun = await region.sdk().createMultipartUpload({ Bucket, Key: 'up/a' })
    const other = await region.sdk().createMultipartUpload({ Bucket, Key: 'other' })
    const about = { Bucket, Key: 'up/a', UploadId: begun.UploadId! }
    await region.sdk().uploadPart({ ...about, PartNumber: 1, Body: 'part' })
    expect(begun.AbortRuleId).toBe('abandoned')
    expect(begun.AbortDate!.getTime() % DAY_MS).toBe(0)
    expect(await region.sdk().listParts(about)).toMatchObject({
      AbortRuleId: 'abandoned',
      AbortDate: begun.AbortDate,
    })
    expect(other.AbortDate).toBeUndefined()
    await run(Bucket)
    expect((await region.sdk().listParts(about)).Parts).toHaveLength(1)
    forward(3)
    await run(Bucket)
    expect((await refused(region.sdk().listParts(about))).code).toBe('NoSuchUpload')
    const { Uploads } = await region.sdk().listMultipartUploads({ Bucket })
    expect(Uploads!.map(({ Key }) => Key)).toEqual(['other'])
  })

  test('answers tell when an object will expire, and by which rule', async () => {
    const Bucket = await bucket('headers', { isVersioned: true })
    const old = await put(Bucket, 'a')
    await rules(Bucket, { ID: 'après 1', Filter: { Prefix: 'a' }, ...days(1) })
    const told = await region.sdk().putObject({ Bucket, Key: 'a', Body: 'x' })
    const [, date = '', rule] = /^expiry-date="(.*)", rule-id="(.*)"$/.exec(told.Expiration!)!
    expect(rule).toBe('apr%C3%A8s%201')
    const inMs = new Date(date).getTime() - region.clock.now().getTime()
    expect(inMs).toBeGreaterThan(DAY_MS - 5000)
    expect(inMs).toBeLessThan(2 * DAY_MS)
    const expiration = async (more: object = {}) =>
      (await region.sdk().headObject({ Bucket, Key: 'a', ...more })).Expiration
    expect(await expiration()).toBe(told.Expiration)
    expect((await region.sdk().getObject({ Bucket, Key: 'a' })).Expiration).toBe(told.Expiration)
    const copied = { Bucket, Key: 'a-copy', CopySource: `${Bucket}/a` }
    expect((await region.sdk().copyObject(copied)).Expiration).toContain('rule-id')
    expect(await expiration({ VersionId: old })).toBeUndefined()
    expect(
      (await region.sdk().putObject({ Bucket, Key: 'b', Body: 'x' })).Expiration,
    ).toBeUndefined()
  })

  test('goes on after the region was closed, and has no error to tell', async () => {
    const Bucket = await bucket('reopened')
    await put(Bucket, 'a')
    await rules(Bucket, days(1))
    await run(Bucket)
    await region.restart()
    expect(await keys(Bucket)).toEqual(['a'])
    forward(2)
    await expect.poll(() => keys(Bucket)).toEqual([])
    expect(region.errors).toEqual([])
  })
})
