import {
  appendFile,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import type { Point, Series } from './metric.ts'
import { MetricStore } from './metric-store.ts'
import { ofValue, type Statistics, together } from './statistics.ts'

const HOUR_MS = 3_600_000
const START = new Date('2026-01-15T10:00:00Z')
const SERIES: Series = { namespace: 'Test', name: 'm', unit: 'Count', dimensions: { A: '1' } }

let folder: string
let nowMs: number
let store: MetricStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-metrics-'))
  nowMs = START.getTime()
  store = await open()
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

const clock = { ...systemClock, now: () => new Date(nowMs) }
const open = (maxBytes?: number) =>
  MetricStore.open({ folder, clock, ...(maxBytes === undefined ? {} : { maxBytes }) })

async function reopen(maxBytes?: number) {
  await store.close()
  store = await open(maxBytes)
}

function point(ms: number, statistics: Statistics, more: Partial<Point> = {}): Point {
  const atSeconds = (START.getTime() + ms) / 1000
  return { series: SERIES, atSeconds, resolution: 60, statistics, ...more }
}

function sums(periodSeconds = 60, series: Series = SERIES) {
  const range = { from: new Date(0), to: new Date(nowMs + HOUR_MS), periodSeconds }
  return store
    .periods(series, range)
    .map(({ startAt, statistics }) => [
      (startAt.getTime() - START.getTime()) / 1000,
      statistics.sum,
    ])
}

describe('values are there again', () => {
  test('all of them, added up, whichever process has told them', async () => {
    await store.put([point(0, ofValue(1)), point(60_000, ofValue(2))])
    await reopen()
    await store.put([point(0, ofValue(4))])
    await store.put([point(60_000, ofValue(8), { series: { ...SERIES, unit: 'Bytes' } })])
    await reopen()
    expect(sums()).toEqual([
      [0, 5],
      [60, 2],
      [60, 8],
    ])
  })

  test('with their counts, so that percentiles are the same', async () => {
    const all = [1, 1, 2, 5].map((value) => ofValue(value)).reduce(together)
    await store.put([point(0, all)])
    await reopen()
    const [found] = store.periods(SERIES, {
      from: START,
      to: new Date(nowMs + 1),
      periodSeconds: 60,
    })
    expect(found?.statistics).toEqual(all)
    expect(found?.statistics.counts).toEqual(
      new Map([
        [1, 2],
        [2, 1],
        [5, 1],
      ]),
    )
  })

  test('recorded ones once they are flushed', async () => {
    store.record(SERIES, 3, START)
    store.record(SERIES, 4, new Date(START.getTime() + 59_999))
    expect(sums()).toEqual([[0, 7]])
    await store.flush()
    store.record(SERIES, 5, START)
    await reopen()
    expect(sums()).toEqual([[0, 12]])
    const [file] = await readdir(folder)
    const lines = (await readFile(join(folder, file!), 'utf8')).trim().split('\n')
    // The series, and what was flushed at a time.
    expect(lines).toHaveLength(3)
  })
})

describe('a process that died while it wrote', () => {
  test('leaves half a line, which is cut off', async () => {
    await store.put([point(0, ofValue(1))])
    await store.close()
    const [file] = await readdir(folder)
    const path = join(folder, file!)
    const { size } = await stat(path)
    await appendFile(path, '[0,17684')
    store = await open()
    expect((await stat(path)).size).toBe(size)
    await store.put([point(0, ofValue(2))])
    await reopen()
    expect(sums()).toEqual([[0, 3]])
  })

  test.each([
    ['a line that is no JSON', 'nonsense\n'],
    ['a point of a series that is not told', '[7,1768471200,60,1,1,1,1]\n'],
    ['half a point', '[0,1768471200]\n'],
  ])('but %s is damage, and is named', async (_, line) => {
    await store.put([point(0, ofValue(1))])
    await store.close()
    const [file] = await readdir(folder)
    const path = join(folder, file!)
    const before = await readFile(path, 'utf8')
    await appendFile(path, line)
    await expect(open()).rejects.toMatchObject({
      code: 'StateDamaged',
      message: expect.stringContaining(`${path}:3`),
    })
    await writeFile(path, before)
    store = await open()
  })
})

describe('what is forgotten', () => {
  test('the oldest hour, when all is too much', async () => {
    await reopen(2000)
    for (let hour = 0; hour < 40; hour++) {
      nowMs = START.getTime() + hour * HOUR_MS
      await store.put([point(hour * HOUR_MS, ofValue(hour))])
    }
    const sizes = await Promise.all(
      (await readdir(folder)).map(async (file) => (await stat(join(folder, file))).size),
    )
    expect(sizes.reduce((a, b) => a + b)).toBeLessThanOrEqual(2000)
    const kept = sums(3600).map(([, sum]) => sum)
    expect(kept.length).toBeGreaterThan(5)
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => 40 - kept.length + i))
    const before = sums()
    await reopen(2000)
    expect(sums()).toEqual(before)
  })

  test('what is older than 15 days', async () => {
    await store.put([point(0, ofValue(1)), point(2 * HOUR_MS, ofValue(2))])
    nowMs += 15 * 24 * HOUR_MS + HOUR_MS
    await store.put([point(15 * 24 * HOUR_MS, ofValue(3))])
    expect(sums().map(([, sum]) => sum)).toEqual([2, 3])
    expect(await readdir(folder)).toHaveLength(2)
  })

  test('the seconds of what is older than three hours, not its minute', async () => {
    const fine = { resolution: 1 as const }
    await store.put([point(1000, ofValue(1), fine), point(31_000, ofValue(2), fine)])
    expect(sums(10)).toEqual([
      [0, 1],
      [30, 2],
    ])
    nowMs += 4 * HOUR_MS
    await store.put([point(4 * HOUR_MS, ofValue(4))])
    expect([sums(10), sums(60)]).toEqual([
      [],
      [
        [0, 3],
        [4 * 3600, 4],
      ],
    ])
    await reopen()
    expect([sums(10), sums(60)]).toEqual([
      [],
      [
        [0, 3],
        [4 * 3600, 4],
      ],
    ])
  })
})

test('many hours at once do not keep many files open', async () => {
  const hours = Array.from({ length: 30 }, (_, hour) => point(-hour * HOUR_MS, ofValue(1)))
  await store.put(hours)
  await store.put(hours)
  const open = await readdir('/proc/self/fd')
  const targets = await Promise.all(open.map((fd) => readlinkOf(`/proc/self/fd/${fd}`)))
  expect(targets.filter((target) => target.startsWith(folder)).length).toBeLessThanOrEqual(8)
  await reopen()
  expect(sums(3600).map(([, sum]) => sum)).toEqual(Array(30).fill(2))
})

async function readlinkOf(path: string): Promise<string> {
  return await readlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
}
