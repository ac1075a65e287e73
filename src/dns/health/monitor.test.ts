import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../core/clock.ts'
import type { Endpoint, Health, HealthCheck } from './health-check.ts'
import { type AlarmState, HealthMonitor } from './monitor.ts'

/** Time that stands still until it is put forward; whoever sleeps wakes in order. */
class SteppedClock implements Clock {
  #nowMs = Date.UTC(2026, 0, 1)
  #sleeping: { atMs: number; wake: () => void }[] = []
  now = () => new Date(this.#nowMs)
  monotonicMs = () => this.#nowMs
  sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const sleeper = { atMs: this.#nowMs + ms, wake: resolve }
      this.#sleeping.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.#sleeping = this.#sleeping.filter((other) => other !== sleeper)
        reject(signal.reason)
      })
    })
  async forward(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    for (;;) {
      await new Promise(setImmediate)
      const next = this.#sleeping.toSorted((a, b) => a.atMs - b.atMs)[0]
      if (!next || next.atMs > endMs) break
      this.#sleeping = this.#sleeping.filter((other) => other !== next)
      this.#nowMs = next.atMs
      next.wake()
    }
    this.#nowMs = endMs
  }
}

const settings = { version: 1, isInverted: false, isDisabled: false }

function endpoint(id: string, more: Partial<HealthCheck & Endpoint> = {}): HealthCheck & Endpoint {
  return {
    ...settings,
    id,
    kind: 'endpoint',
    protocol: 'tcp',
    address: '127.0.0.1',
    host: undefined,
    port: 1,
    path: '/',
    search: undefined,
    sendsServerName: false,
    intervalSeconds: 10,
    threshold: 3,
    locations: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'],
    ...more,
  } as HealthCheck & Endpoint
}

let clock: SteppedClock
let stored: Map<string, Health>
let savings: string[]
let isUp: boolean
let probes: string[]
let alarm: AlarmState
let isDiskFull: boolean
let errors: unknown[]
let monitor: HealthMonitor

function open(speed = 1): HealthMonitor {
  return new HealthMonitor({
    clock,
    store: {
      load: (id) => stored.get(id),
      save: (all) => {
        if (isDiskFull) throw new Error('the disk is full')
        for (const health of all) {
          stored.set(health.id, health)
          savings.push(`${health.id} ${health.isHealthy}`)
        }
      },
      delete: (id) => stored.delete(id),
    },
    probe: async ({ id }) => {
      probes.push(`${id} ${clock.now().toISOString().slice(14, 19)}`)
      return { isSuccess: isUp, status: isUp ? 'Success: well' : 'Failure: ill' }
    },
    alarmState: async () => alarm,
    speed,
    onError: (error) => errors.push(error),
  })
}

beforeEach(() => {
  clock = new SteppedClock()
  stored = new Map()
  savings = []
  isUp = true
  probes = []
  alarm = { isSuccess: true, isUnknown: false, status: 'Success: OK' }
  isDiskFull = false
  errors = []
  monitor = open()
})
afterEach(() => monitor.close())

describe('an endpoint', () => {
  test('is asked from each location once in its interval, at times of its own', async () => {
    monitor.watch(endpoint('e'))
    await clock.forward(29_999)
    expect(probes).toHaveLength(3 * 8)
    expect(new Set(probes).size).toBeGreaterThanOrEqual(16)
  })

  test('is ill after three failures in a row at all but one location, and well again after three', async () => {
    monitor.watch(endpoint('e'))
    await clock.forward(10_000)
    isUp = false
    await clock.forward(20_000)
    expect(monitor.isHealthy('e')).toBe(true)
    await clock.forward(10_000)
    expect(monitor.isHealthy('e')).toBe(false)
    expect(stored.get('e')).toMatchObject({
      isHealthy: false,
      since: expect.stringMatching(/^2026/),
    })
    expect(stored.get('e')!.checkers[0]).toMatchObject({ lastFailure: { status: 'Failure: ill' } })

    isUp = true
    await clock.forward(20_000)
    expect(monitor.isHealthy('e')).toBe(false)
    await clock.forward(10_000)
    expect(monitor.isHealthy('e')).toBe(true)
    expect(savings.filter((saving) => saving.startsWith('e')).length).toBeGreaterThan(1)
  })

  test('that comes and goes faster than its threshold does not change', async () => {
    monitor.watch(endpoint('e'))
    for (let round = 0; round < 20; round += 1) {
      isUp = round % 3 === 2
      await clock.forward(10_000)
      expect(monitor.isHealthy('e')).toBe(true)
    }
  })

  test('is known after the process has ended, and gone on with', async () => {
    isUp = false
    monitor.watch(endpoint('e'))
    await clock.forward(28_000)
    expect(monitor.isHealthy('e')).toBe(false)
    monitor.close()
    monitor = open()
    monitor.watch(endpoint('e'))
    expect(monitor.isHealthy('e')).toBe(false)
    expect(monitor.isHealthy('unknown')).toBe(true)
  })

  test('is asked faster where that is wanted', async () => {
    monitor.close()
    monitor = open(20)
    monitor.watch(endpoint('e'))
    await clock.forward(999)
    expect(probes).toHaveLength(2 * 8)
  })

  test('that is disabled is asked no more, and is healthy; inverted it is not', async () => {
    isUp = false
    monitor.watch(endpoint('e'))
    await clock.forward(60_000)
    expect(monitor.isHealthy('e')).toBe(false)
    const before = probes.length
    monitor.watch(endpoint('e', { version: 2, isDisabled: true }))
    expect(monitor.isHealthy('e')).toBe(true)
    await clock.forward(60_000)
    expect(probes).toHaveLength(before)
    monitor.watch(endpoint('e', { version: 3, isDisabled: true, isInverted: true }))
    expect(monitor.isHealthy('e')).toBe(false)
    monitor.watch(endpoint('e', { version: 4 }))
    expect(monitor.isHealthy('e')).toBe(false)
    isUp = true
    await clock.forward(60_000)
    expect(monitor.isHealthy('e')).toBe(true)
  })

  test('that is forgotten is asked no more, and nothing of it is kept', async () => {
    isUp = false
    monitor.watch(endpoint('e'))
    await clock.forward(60_000)
    monitor.forget('e')
    const before = probes.length
    await clock.forward(60_000)
    expect(probes).toHaveLength(before)
    expect(stored.size).toBe(0)
    expect(monitor.isHealthy('e')).toBe(true)
  })
})

test('a calculated check follows its children at once', async () => {
  monitor.watch({
    ...settings,
    id: 'parent',
    kind: 'calculated',
    children: ['e', 'f'],
    healthyAtLeast: 2,
  })
  monitor.watch(endpoint('e'))
  monitor.watch(endpoint('f', { isDisabled: true }))
  expect(monitor.isHealthy('parent')).toBe(true)
  isUp = false
  await clock.forward(60_000)
  expect(monitor.isHealthy('parent')).toBe(false)
  expect(stored.get('parent')).toMatchObject({ isHealthy: false })
  monitor.watch(endpoint('e', { version: 2, isInverted: true }))
  expect(monitor.isHealthy('parent')).toBe(true)
})

test('an alarm is followed, and what is taken for it while it has too little data', async () => {
  const watch = (whenUnknown: 'healthy' | 'unhealthy' | 'last known', version: number) =>
    monitor.watch({
      ...settings,
      id: whenUnknown,
      version,
      kind: 'alarm',
      alarm: { region: 'us-east-1', name: 'n' },
      whenUnknown,
    })
  const all = () =>
    (['healthy', 'unhealthy', 'last known'] as const).map((id) => monitor.isHealthy(id))
  for (const kind of ['healthy', 'unhealthy', 'last known'] as const) watch(kind, 1)
  await clock.forward(10_000)
  expect(all()).toEqual([true, true, true])
  alarm = { isSuccess: false, isUnknown: false, status: 'Failure: ALARM' }
  await clock.forward(10_000)
  expect(all()).toEqual([false, false, false])
  alarm = { isSuccess: false, isUnknown: true, status: 'Failure: INSUFFICIENT_DATA' }
  await clock.forward(10_000)
  expect(all()).toEqual([true, false, false])
  alarm = { isSuccess: true, isUnknown: false, status: 'Success: OK' }
  await clock.forward(10_000)
  expect(all()).toEqual([true, true, true])
})

test('what cannot be written holds all the same, is told, and is written later', async () => {
  monitor.watch(endpoint('e'))
  await clock.forward(10_000)
  isUp = false
  isDiskFull = true
  await clock.forward(40_000)
  expect(monitor.isHealthy('e')).toBe(false)
  expect(errors.length).toBeGreaterThan(0)
  isDiskFull = false
  monitor.close()
  expect(stored.get('e')).toMatchObject({ isHealthy: false })
})
