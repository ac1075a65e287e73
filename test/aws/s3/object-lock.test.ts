import { S3 } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, test } from 'vitest'
import { refused, s3UnderTest } from './s3-under-test.ts'

const DAY_MS = 86_400_000

describe('object lock', () => {
  const region = s3UnderTest()
  const Bucket = 'locked'
  beforeAll(async () => {
    await region.sdk().createBucket({ Bucket, ObjectLockEnabledForBucket: true })
  })
  const startedMs = Math.floor(Date.now() / 1000) * 1000
  const inDays = (days: number) => new Date(startedMs + days * DAY_MS)
  const put = async (Key: string, more: object = {}) =>
    (await region.sdk().putObject({ Bucket, Key, Body: Key, ...more })).VersionId!
  const remove = (Key: string, VersionId: string, more: object = {}) =>
    region.sdk().deleteObject({ Bucket, Key, VersionId, ...more })
  const denied = { code: 'AccessDenied', status: 403 }

  test('keeps a version that is held, until it is not', async () => {
    const Key = 'held'
    const id = await put(Key, { ObjectLockLegalHoldStatus: 'ON' })
    expect((await region.sdk().headObject({ Bucket, Key })).ObjectLockLegalHoldStatus).toBe('ON')
    expect(await refused(remove(Key, id))).toMatchObject(denied)
    const bypass = { BypassGovernanceRetention: true }
    expect(await refused(remove(Key, id, bypass))).toMatchObject(denied)
    const unknown = { Bucket, Key, VersionId: id, LegalHold: { Status: 'MAYBE' as 'OFF' } }
    const malformed = await refused(region.sdk().putObjectLegalHold(unknown))
    expect(malformed).toMatchObject({ code: 'MalformedXML', status: 400 })
    expect(await refused(remove(Key, id))).toMatchObject(denied)
    // Hiding it is no loss.
    await region.sdk().deleteObject({ Bucket, Key })
    expect(await region.text(Bucket, Key, id)).toBe(Key)
    await region
      .sdk()
      .putObjectLegalHold({ Bucket, Key, VersionId: id, LegalHold: { Status: 'OFF' } })
    const told = await region.sdk().getObjectLegalHold({ Bucket, Key, VersionId: id })
    expect(told.LegalHold).toEqual({ Status: 'OFF' })
    await remove(Key, id)
    expect((await refused(region.text(Bucket, Key, id))).code).toBe('NoSuchVersion')
  })

  test('keeps a version in governance from all but those who bypass it', async () => {
    const Key = 'governed'
    const until = inDays(1)
    const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until }
    const id = await put(Key, lock)
    const { Retention } = await region.sdk().getObjectRetention({ Bucket, Key })
    expect(Retention).toEqual({ Mode: 'GOVERNANCE', RetainUntilDate: until })
    const head = await region.sdk().headObject({ Bucket, Key })
    expect(head).toMatchObject(lock)
    expect(await refused(remove(Key, id))).toMatchObject(denied)
    expect(await region.text(Bucket, Key, id)).toBe(Key)
    await remove(Key, id, { BypassGovernanceRetention: true })
    expect((await refused(region.text(Bucket, Key, id))).code).toBe('NoSuchVersion')
  })

  test('comes from the default of the bucket', async () => {
    await region.sdk().createBucket({ Bucket: 'default', ObjectLockEnabledForBucket: true })
    await region.sdk().putObjectLockConfiguration({
      Bucket: 'default',
      ObjectLockConfiguration: {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 2 } },
      },
    })
    const { VersionId } = await region.sdk().putObject({ Bucket: 'default', Key: 'k', Body: 'x' })
    const head = await region.sdk().headObject({ Bucket: 'default', Key: 'k' })
    const days = (head.ObjectLockRetainUntilDate!.getTime() - Date.now()) / DAY_MS
    expect(days).toBeGreaterThan(1.9)
    expect(days).toBeLessThan(2.1)
    const call = region.sdk().deleteObject({ Bucket: 'default', Key: 'k', VersionId: VersionId! })
    expect(await refused(call)).toMatchObject(denied)
  })

  test('refuses what makes no sense', async () => {
    const code = async (more: object) => (await refused(put('no', more))).code
    expect(await code({ ObjectLockMode: 'GOVERNANCE' })).toBe('InvalidArgument')
    const past = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: inDays(-1) }
    expect(await code(past)).toBe('InvalidArgument')
    const other = { ObjectLockMode: 'LOOSE', ObjectLockRetainUntilDate: inDays(1) }
    expect(await code(other)).toBe('InvalidArgument')
    await put('free')
    const none = region.sdk().getObjectRetention({ Bucket, Key: 'free' })
    expect((await refused(none)).code).toBe('NoSuchObjectLockConfiguration')
    await region.bucket('lockless')
    await region.sdk().putObject({ Bucket: 'lockless', Key: 'k', Body: 'x' })
    const lockless = region.sdk().getObjectRetention({ Bucket: 'lockless', Key: 'k' })
    expect((await refused(lockless)).code).toBe('InvalidRequest')
  })

  // The last one: its time does not come back.
  test('keeps a version in compliance from everybody, and only for longer', async () => {
    const Key = 'compliant'
    const id = await put(Key)
    const retain = (days: number, more: object = {}) =>
      region.sdk().putObjectRetention({
        Bucket,
        Key,
        Retention: { Mode: 'COMPLIANCE', RetainUntilDate: inDays(days) },
        ...more,
      })
    await retain(2)
    const bypass = { BypassGovernanceRetention: true }
    expect(await refused(remove(Key, id, bypass))).toMatchObject(denied)
    expect(await refused(retain(1, bypass))).toMatchObject(denied)
    const weaker = { Retention: { Mode: 'GOVERNANCE' as const, RetainUntilDate: inDays(9) } }
    expect(await refused(retain(2, weaker))).toMatchObject(denied)
    await retain(3)
    const told = await region.sdk().getObjectRetention({ Bucket, Key })
    expect(told.Retention).toEqual({ Mode: 'COMPLIANCE', RetainUntilDate: inDays(3) })
    region.pass(4 * DAY_MS)
    const later = new S3({
      ...region.client(),
      forcePathStyle: true,
      systemClockOffset: 4 * DAY_MS,
    })
    await later.deleteObject({ Bucket, Key, VersionId: id })
    region.clock.forward(-4 * DAY_MS)
    expect((await refused(region.text(Bucket, Key, id))).code).toBe('NoSuchVersion')
  })
})
