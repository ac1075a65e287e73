import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Bucket } from '../../src/objectstore/bucket.ts'
import { bytesOf, codeOf, StoreUnderTest } from './store-under-test.ts'

const BODY = Buffer.from('body')
const HOUR_MS = 3_600_000
/** By the clock of locks, which a test lets run. */
const inHours = (hours: number) => new Date(under.store.lockTime().getTime() + hours * HOUR_MS)

let under: StoreUnderTest
let bucket: Bucket
beforeAll(async () => {
  under = await StoreUnderTest.open()
})
beforeEach(async () => {
  bucket = await under.createBucket('enabled')
})
afterAll(() => under.close())

describe('conditions', () => {
  test('let one of sixteen that race to create an object win', async () => {
    const racers = Array.from({ length: 16 }, (_, at) =>
      codeOf(bucket.put('key', Buffer.from(`${at}`), { precondition: { ifNoneMatch: '*' } })),
    )
    const codes = await Promise.all(racers)
    expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
    expect(codes.filter((code) => code === 'PreconditionFailed')).toHaveLength(15)
    const winner = codes.indexOf('no error')
    expect((await bytesOf(bucket, bucket.find('key')!)).toString()).toBe(`${winner}`)
    expect(bucket.listVersions({ limit: 100 }).versions).toHaveLength(1)
  })

  test('let one of sixteen that race to replace an object win, also when they came in parts', async () => {
    const { etag } = await bucket.put('key', BODY)
    const racers = Array.from({ length: 16 }, async (_, at) => {
      const o = { precondition: { ifMatch: etag } }
      if (at % 2 === 0) return codeOf(bucket.put('key', Buffer.from(`${at}`), o))
      const { uploadId } = await bucket.uploads.begin('key')
      const part = await bucket.uploads.putPart(uploadId, 1, Buffer.from(`${at}`))
      return codeOf(bucket.uploads.complete(uploadId, [{ number: 1, etag: part.etag }], o))
    })
    const codes = await Promise.all(racers)
    expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
    expect(bucket.listVersions({ limit: 100 }).versions).toHaveLength(2)
  })

  test('take a delete marker for nothing', async () => {
    await bucket.put('key', BODY)
    await bucket.delete('key')
    const replace = bucket.put('key', BODY, { precondition: { ifMatch: '*' } })
    expect(await codeOf(replace)).toBe('ObjectNotFound')
    const create = bucket.put('key', BODY, { precondition: { ifNoneMatch: '*' } })
    expect(await codeOf(create)).toBe('no error')
  })

  test('keep a delete from what is not meant', async () => {
    await bucket.put('key', BODY)
    const refused = bucket.delete('key', { precondition: { ifMatch: 'another' } })
    expect(await codeOf(refused)).toBe('PreconditionFailed')
    expect(bucket.find('key')?.isDeleteMarker).toBe(false)
  })

  test('refuse before anything reaches the outbox', async () => {
    const size = under.store.outbox.size
    await bucket.put('key', BODY, { outbox: ({ key }) => ({ entries: [{ key }] }) })
    expect(under.store.outbox.size).toBe(size + 1)
    const o = { precondition: { ifNoneMatch: '*' as const }, outbox: () => ({ entries: ['told'] }) }
    expect(await codeOf(bucket.put('key', BODY, o))).toBe('PreconditionFailed')
    expect(under.store.outbox.size).toBe(size + 1)
    const failing = bucket.put('key', BODY, {
      outbox: () => {
        throw new RangeError('no')
      },
    })
    await expect(failing).rejects.toThrow(RangeError)
    expect(bucket.listVersions({ limit: 100 }).versions).toHaveLength(1)
  })
})

describe('locks', () => {
  const retention = (mode: 'compliance' | 'governance') => ({ mode, until: inHours(1) })

  test('compliance keeps a version from everybody until its time', async () => {
    const { versionId } = await bucket.put('key', BODY, { retention: retention('compliance') })
    const o = { versionId, bypassGovernance: true }
    expect(await codeOf(bucket.delete('key', o))).toBe('ObjectLocked')
    for (const weaker of [
      null,
      { mode: 'compliance' as const, until: inHours(0.5) },
      { mode: 'governance' as const, until: inHours(2) },
    ]) {
      const change = { retention: weaker, bypassGovernance: true }
      expect(await codeOf(bucket.update('key', versionId, change))).toBe('ObjectLocked')
    }
    await bucket.delete('key')
    expect((await bytesOf(bucket, bucket.find('key', versionId)!)).equals(BODY)).toBe(true)
    under.pass(HOUR_MS)
    expect(await codeOf(bucket.delete('key', { versionId }))).toBe('no error')
    expect(bucket.find('key', versionId)).toBeUndefined()
  })

  test('governance yields to those who may bypass it', async () => {
    const { versionId } = await bucket.put('key', BODY, { retention: retention('governance') })
    expect(await codeOf(bucket.delete('key', { versionId }))).toBe('ObjectLocked')
    expect(await codeOf(bucket.update('key', versionId, { retention: null }))).toBe('ObjectLocked')
    expect(bucket.find('key', versionId)?.retention).toEqual(retention('governance'))
    const o = { versionId, bypassGovernance: true }
    expect(await codeOf(bucket.delete('key', o))).toBe('no error')
  })

  test('a retention may be made longer by anybody', async () => {
    const { versionId } = await bucket.put('key', BODY, { retention: retention('compliance') })
    const longer = { mode: 'compliance' as const, until: inHours(9) }
    await bucket.update('key', versionId, { retention: longer })
    under.pass(5 * HOUR_MS)
    expect(await codeOf(bucket.delete('key', { versionId }))).toBe('ObjectLocked')
  })

  test('a legal hold keeps a version until it is lifted, and stays beside a retention', async () => {
    const { versionId } = await bucket.put('key', BODY, { hasLegalHold: true })
    await bucket.update('key', versionId, { retention: retention('governance') })
    const o = { versionId, bypassGovernance: true }
    expect(await codeOf(bucket.delete('key', o))).toBe('ObjectLocked')
    await bucket.update('key', versionId, { tags: { a: 'b' } })
    expect(bucket.find('key')).toMatchObject({ hasLegalHold: true, tags: { a: 'b' } })
    await bucket.update('key', versionId, { hasLegalHold: false })
    expect(await codeOf(bucket.delete('key', o))).toBe('no error')
  })

  test('keep a version without an id from being replaced', async () => {
    const plain = await under.createBucket('off')
    const version = await plain.put('key', BODY, { retention: retention('compliance') })
    expect(await codeOf(plain.put('key', Buffer.from('other')))).toBe('ObjectLocked')
    expect(await codeOf(plain.copy({ bucket: plain, version }, 'key'))).toBe('ObjectLocked')
    await plain.setVersioning('suspended')
    expect(await codeOf(plain.delete('key'))).toBe('ObjectLocked')
    expect((await bytesOf(plain, plain.find('key')!)).equals(BODY)).toBe(true)
  })

  test('hold after the store was opened again', async () => {
    const { versionId } = await bucket.put('key', BODY, { retention: retention('compliance') })
    await under.reopen()
    const again = under.store.findBucket(bucket.name)!
    expect(await codeOf(again.delete('key', { versionId }))).toBe('ObjectLocked')
    expect(await codeOf(under.store.deleteBucket(bucket.name))).toBe('BucketNotEmpty')
  })
})
