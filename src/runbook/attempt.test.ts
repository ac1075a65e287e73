import { expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { attempt } from './attempt.ts'

const never = new AbortController().signal
const options = { clock: systemClock, deadlineSeconds: 5, stop: never, what: 'it' }

test('a body that ends in time has its result', async () => {
  expect(await attempt(async () => 7, options)).toEqual({ kind: 'completed', result: 7 })
})

test('a body that fails has failed, also when it throws what is no error', async () => {
  const failed = await attempt(async () => Promise.reject('words'), options)
  expect(failed).toEqual({
    kind: 'failed',
    error: 'words',
    isDeadline: false,
    isStillRunning: false,
  })
})

test('at the deadline the signal aborts, and the body is late', async () => {
  const late = await attempt((signal) => systemClock.sleep(10_000, signal), {
    ...options,
    deadlineSeconds: 0.05,
  })
  expect(late).toMatchObject({
    kind: 'failed',
    error: { code: 'StepDeadlineExceeded', message: 'it took over 0.05 s' },
    isDeadline: true,
    isStillRunning: false,
  })
})

test('a body that does its work in spite of the deadline has done it', async () => {
  const body = async () => {
    await systemClock.sleep(150)
    return 'late, but done'
  }
  expect(await attempt(body, { ...options, deadlineSeconds: 0.05 })).toEqual({
    kind: 'completed',
    result: 'late, but done',
  })
})

test('a body that heeds nothing is left to itself after a grace, and that is said', async () => {
  const body = () => systemClock.sleep(1_000)
  const left = await attempt(body, { ...options, deadlineSeconds: 0.05, graceSeconds: 0.05 })
  expect(left).toMatchObject({ kind: 'failed', isDeadline: true, isStillRunning: true })
  expect((left as { error: Error }).error.message).toMatch(/does not stop/)
})

test('a body that is told to stop is waited for', async () => {
  const stop = new AbortController()
  let hasClearedUp = false
  const body = async (signal: AbortSignal) => {
    stop.abort(new Error('canceled'))
    expect(signal.aborted).toBe(true)
    await systemClock.sleep(50)
    hasClearedUp = true
    throw signal.reason
  }
  expect(await attempt(body, { ...options, stop: stop.signal })).toEqual({ kind: 'stopped' })
  expect(hasClearedUp).toBe(true)
})

test('a body that ends well after it was told to stop has done its work', async () => {
  const stop = new AbortController()
  const body = async () => {
    stop.abort()
    return 1
  }
  expect(await attempt(body, { ...options, stop: stop.signal })).toMatchObject({ result: 1 })
})

test('a body that does not stop is not waited for when the process ends', async () => {
  const abandon = new AbortController()
  const body = async () => {
    abandon.abort()
    await systemClock.sleep(1_000)
  }
  const from = systemClock.monotonicMs()
  const left = await attempt(body, { ...options, abandon: abandon.signal })
  expect(left).toEqual({ kind: 'stopped' })
  expect(systemClock.monotonicMs() - from).toBeLessThan(900)
})
