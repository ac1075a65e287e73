import { expect, test } from 'vitest'
import type { Clock } from '../../../core/clock.ts'
import { watchHealth } from './health-checks.ts'

/** Tells what the checks, one each 10 seconds, make of a container: the status and after how many seconds. */
async function watched(results: readonly boolean[], check: object): Promise<string[]> {
  const told: string[] = []
  const ending = new AbortController()
  let nowMs = 0
  const clock: Clock = {
    now: () => new Date(nowMs),
    monotonicMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms
    },
  }
  const left = [...results]
  await watchHealth({
    check: { command: ['CMD', 'x'], interval: 10, ...check },
    passes: async () => {
      const hasPassed = left.shift()!
      if (left.length === 0) queueMicrotask(() => ending.abort())
      return hasPassed
    },
    tell: async (status) => {
      told.push(`${status} ${nowMs / 1000}`)
    },
    clock,
    signal: ending.signal,
  })
  return told
}

const [good, bad, end] = [true, false, true]

test('so many failures in a row make a container unhealthy, and one success healthy', async () => {
  const results = [good, bad, bad, good, bad, bad, bad, bad, good, end]
  expect(await watched(results, { retries: 3 })).toEqual([
    'HEALTHY 10',
    'UNHEALTHY 70',
    'HEALTHY 90',
  ])
})

test('failures count once the start period is over, or a success has come', async () => {
  const results = [bad, bad, bad, bad, good, end]
  expect(await watched(results, { retries: 2, startPeriod: 30 })).toEqual([
    'UNHEALTHY 40',
    'HEALTHY 50',
  ])
  const early = [good, bad, bad, good, end]
  expect(await watched(early, { retries: 2, startPeriod: 300 })).toEqual([
    'HEALTHY 10',
    'UNHEALTHY 30',
    'HEALTHY 40',
  ])
})
