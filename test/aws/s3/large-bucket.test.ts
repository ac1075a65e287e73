import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { systemRandom } from '../../../src/core/random.ts'
import { ObjectStore } from '../../../src/objectstore/object-store.ts'
import { rawRequest } from './raw-request.ts'
import { s3UnderTest } from './s3-under-test.ts'

/** `LIFEBOAT_KEYS=1000000 npm test test/aws/s3/large-bucket` takes the long form. */
const KEYS = Number(process.env.LIFEBOAT_KEYS ?? 5000)
/** Noncurrent versions of one key, and keys that are deleted. */
const BESIDE = KEYS / 5
const FOLDERS = 100
const WRITERS = 512
const DEPTH = 'deep/'.repeat(50)
const TRIES = 7
/** What two measurements of the same may differ by: twice, and so much. */
const BLUR_MS = 5

const folderOf = (index: number) => `${DEPTH}${String(index).padStart(3, '0')}/`
const keyOf = (index: number) =>
  `${folderOf(Math.floor((index * FOLDERS) / KEYS))}${String(index).padStart(9, '0')}`

describe(`a bucket of ${KEYS.toLocaleString('en')} keys`, () => {
  const region = s3UnderTest({ prepare: (folder) => fill(join(folder, 's3', 'objects')) })
  const Bucket = 'large'

  /** The processor's time for a page, in milliseconds, at best: other programs hardly blur it. The region runs in this process. */
  const pageMs = async (query: Record<string, string>) => {
    const times: number[] = []
    let text = ''
    for (let tried = 0; tried < TRIES; tried++) {
      const began = cpuMs()
      const request = { method: 'GET', path: `/${Bucket}`, query: Object.entries(query) }
      const reply = await rawRequest(region, request)
      text = await reply.text()
      times.push(cpuMs() - began)
      expect(reply.status, text).toBe(200)
    }
    return { ms: Math.min(...times), entries: text.match(/<(Key|Prefix)>/g)?.length ?? 0 }
  }

  /** Lists all keys; the processor's time of each page, in milliseconds. */
  const listAll = async () => {
    const times: number[] = []
    let last = ''
    let count = 0
    for (let token: string | undefined; ; ) {
      const began = cpuMs()
      const page = await region
        .sdk()
        .listObjectsV2({ Bucket, Prefix: DEPTH, ContinuationToken: token })
      times.push(cpuMs() - began)
      for (const { Key = '' } of page.Contents ?? []) {
        if (Key <= last) throw new Error(`${Key} comes after ${last}`)
        last = Key
        count += 1
      }
      token = page.NextContinuationToken
      if (token === undefined) break
    }
    expect(count).toBe(KEYS)
    return times
  }

  test('is listed in order to its end, at one rate', async () => {
    const lists = [await listAll(), await listAll(), await listAll()]
    // Of each page the cheapest: what else this process does in between, as collecting garbage, meets one and not all.
    const times = lists[0]!.map((_, page) => Math.min(...lists.map((list) => list[page]!)))
    const third = Math.max(1, Math.floor(times.length / 3))
    const [first, end] = [median(times.slice(0, third)), median(times.slice(-third))]
    figure(`pages: first third ${first.toFixed(1)} ms, last third ${end.toFixed(1)} ms`)
    expect(end).toBeLessThan(2 * first + BLUR_MS)
  })

  test.each([
    ['V2', (after: string) => ({ 'list-type': '2', 'start-after': after })],
    ['V1', (after: string) => ({ marker: after })],
    ['versions', (after: string) => ({ versions: '', 'key-marker': after })],
    [
      'V2 with a delimiter that no key has',
      (after: string) => ({
        ...{ 'list-type': '2', 'start-after': after, delimiter: '|' },
      }),
    ],
  ])('has pages that cost the same at the beginning and at the end: %s', async (name, query) => {
    // Code that is still cold would make the first one dearer.
    await pageMs(query(keyOf(0)))
    const pages: number[] = []
    // The last one ends before the deleted keys, which are passed over at a cost of their own.
    for (const index of [0, KEYS / 2, KEYS - 1010]) {
      const { ms, entries } = await pageMs(query(keyOf(index)))
      expect(entries).toBeGreaterThanOrEqual(1000)
      pages.push(ms)
    }
    figure(`${name}: ${pages.map((ms) => ms.toFixed(1))} ms`)
    expect(Math.max(...pages)).toBeLessThan(2 * Math.min(...pages) + BLUR_MS)
  })

  test('shows its folders without reading what is in them', async () => {
    const whole = await pageMs({ 'list-type': '2', 'start-after': keyOf(0) })
    const folders = { 'list-type': '2', prefix: DEPTH, delimiter: '/' }
    const { ms, entries } = await pageMs(folders)
    // Each folder, and the prefix that was asked for.
    expect(entries).toBe(FOLDERS + 1)
    const { ms: versionsMs } = await pageMs({ versions: '', prefix: DEPTH, delimiter: '/' })
    figure(`folders: ${ms.toFixed(1)} ms, of versions ${versionsMs.toFixed(1)} ms`)
    expect(ms).toBeLessThan(whole.ms + BLUR_MS)
    expect(versionsMs).toBeLessThan(whole.ms + BLUR_MS)
  })

  test('does not read noncurrent versions that a page passes over', async () => {
    const beside = await pageMs({ 'list-type': '2', 'start-after': 'hos' })
    const over = await pageMs({ 'list-type': '2', 'start-after': 'hot0' })
    figure(`${BESIDE} noncurrent: ${beside.ms.toFixed(1)} ms, without ${over.ms.toFixed(1)} ms`)
    expect(beside.ms).toBeLessThan(2 * over.ms + BLUR_MS)
    const versions = await pageMs({ versions: '', prefix: 'hot' })
    expect(versions.entries).toBeGreaterThanOrEqual(1000)
  })

  test('answers others while a list passes over deleted keys', async () => {
    let isOver = false
    const began = performance.now()
    const listing = region
      .sdk()
      .listObjectsV2({ Bucket, Prefix: 'deleted/' })
      .then(({ KeyCount }) => {
        isOver = true
        return KeyCount
      })
    let others = 0
    for (; !isOver; others++) {
      await region.sdk().headObject({ Bucket, Key: keyOf(0) })
      await sleep(1)
    }
    expect(await listing).toBe(0)
    const seconds = (performance.now() - began) / 1000
    figure(`over ${BESIDE} delete markers: ${seconds.toFixed(2)} s, ${others} others answered`)
    // A list that keeps the region for itself lets one pass, before or after it.
    expect(others).toBeGreaterThan(BESIDE < 10_000 ? 0 : 5)
  })
})

/** Prints what the long form has measured. */
function figure(text: string): void {
  if (process.env.LIFEBOAT_KEYS) process.stdout.write(`${text}\n`)
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

/** Straight into the store, as a million requests take their time. */
async function fill(folder: string): Promise<void> {
  const store = await ObjectStore.open({
    ...{ folder, encryptionKey: Buffer.alloc(32), clock: systemClock, random: systemRandom },
  })
  const bucket = await store.createBucket('large', { versioning: 'enabled' })
  await many(KEYS, (index) => bucket.put(keyOf(index), Buffer.from('x')))
  await many(1000, (index) => bucket.put(`hot0/${index}`, Buffer.from('x')))
  await many(1000, (index) => bucket.put(`hot1/${index}`, Buffer.from('x')))
  await many(BESIDE, () => bucket.put('hot', Buffer.from('x')))
  await many(BESIDE, (index) => bucket.delete(`deleted/${index}`))
  await store.close()
}

async function many(count: number, make: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const writer = async () => {
    while (next < count) await make(next++)
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
}
