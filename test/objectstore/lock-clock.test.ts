import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Bucket } from '../../src/objectstore/bucket.ts'
import { machineRunningTime } from '../../src/objectstore/running-time.ts'
import { codeOf, StoreUnderTest } from './store-under-test.ts'

const NOON = new Date('2026-01-01T12:00:00Z')
const HOUR_MS = 3_600_000
const inHours = (hours: number) => new Date(NOON.getTime() + hours * HOUR_MS)

describe('the clock by which locks end', () => {
  let under: StoreUnderTest
  let bucket: Bucket
  let versionId: string
  beforeEach(async () => {
    under = await StoreUnderTest.open(undefined, NOON)
    bucket = await under.createBucket('enabled')
    const retention = { mode: 'compliance' as const, until: inHours(10) }
    versionId = (await bucket.put('key', Buffer.from('body'), { retention })).versionId
  })
  afterEach(() => under.close())

  const reopen = async (meanwhile?: () => void) => {
    await under.reopen({}, meanwhile)
    bucket = under.store.findBucket(bucket.name)!
  }
  const deleting = () => codeOf(bucket.delete('key', { versionId, bypassGovernance: true }))
  const isThere = () => bucket.find('key', versionId) !== undefined

  test('is moved by time that passes', async () => {
    under.pass(10 * HOUR_MS - 1)
    expect(await deleting()).toBe('ObjectLocked')
    under.pass(1)
    expect(await deleting()).toBe('no error')
    expect(isThere()).toBe(false)
  })

  test('is not moved by a wall clock that is set forward, before or after the store is opened', async () => {
    under.setClock(new Date('2099-01-01'))
    expect(await deleting()).toBe('ObjectLocked')
    await reopen()
    expect(await deleting()).toBe('ObjectLocked')
    expect(under.store.lockTime()).toEqual(NOON)
    expect(isThere()).toBe(true)
  })

  test('is not held by a wall clock that is set back', async () => {
    under.setClock(new Date('1999-01-01'))
    under.pass(10 * HOUR_MS)
    expect(await deleting()).toBe('no error')
  })

  test('counts time in which the store is closed', async () => {
    await reopen(() => under.pass(4 * HOUR_MS))
    expect(under.store.lockTime()).toEqual(inHours(4))
  })

  test('goes on from where it was when the machine is started again, whatever its wall clock says', async () => {
    under.pass(4 * HOUR_MS)
    await reopen(() => {
      under.reboot('second')
      under.setClock(new Date('2099-01-01'))
    })
    expect(under.store.lockTime()).toEqual(inHours(4))
    under.pass(6 * HOUR_MS - 1)
    expect(await deleting()).toBe('ObjectLocked')
    under.pass(1)
    expect(await deleting()).toBe('no error')
  })

  test('is kept with changes, so that a power cut takes a minute of it at most', async () => {
    under.pass(4 * HOUR_MS)
    await bucket.put('other', Buffer.from('x'))
    under.pass(59_000)
    const copy = await under.copyOfDisk()
    expect(copy.store.lockTime()).toEqual(inHours(4))
    await copy.close()
  })

  test('never runs back, also when the running time does', async () => {
    under.pass(4 * HOUR_MS)
    await reopen(() => under.pass(-2 * HOUR_MS))
    expect(under.store.lockTime()).toEqual(inHours(4))
  })
})

test('the running time of this machine passes', async () => {
  const before = machineRunningTime.elapsedMs()
  expect(before).toBeGreaterThan(0)
  while (machineRunningTime.elapsedMs() === before) await new Promise(setImmediate)
  expect(machineRunningTime.elapsedMs()).toBeGreaterThan(before)
  expect(machineRunningTime.boot).toMatch(/^[0-9a-f-]{36}$/)
})
