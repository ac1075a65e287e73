import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../core/clock.ts'
import type { Measurement } from '../../metric-source.ts'
import { MetricStore } from './metric-store.ts'
import { Sampler } from './sampler.ts'

const AT = new Date('2026-01-01T00:00:00Z')

let folder: string
let store: MetricStore
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-metrics-'))
  store = await MetricStore.open({ folder, clock: { ...systemClock, now: () => AT } })
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

/** A sampler whose waits end when the test says so. */
function sampling(...answers: (() => Promise<readonly Measurement[]>)[]) {
  const errors: unknown[] = []
  const deadlines: (() => void)[] = []
  const clock = {
    ...systemClock,
    now: () => AT,
    sleep: () => new Promise<void>((resolve) => deadlines.push(resolve)),
  }
  const sources = answers.map((sample) => ({ sample }))
  const onError = (error: unknown) => errors.push(error)
  const sampler = new Sampler({ sources, store, clock, onError })
  const valuesOf = (name: string) => {
    const metric = { namespace: 'AWS/Test', name, dimensions: {} }
    const range = { from: AT, to: new Date(AT.getTime() + 60_000), periodSeconds: 60 }
    return store.periods(metric, range).map(({ statistics: { count, sum } }) => [count, sum])
  }
  return { sampler, errors, valuesOf, passDeadline: () => deadlines.pop()?.() }
}

function measurement(name: string, value: number): Measurement {
  return { namespace: 'AWS/Test', name, unit: 'Count', dimensions: {}, value }
}

test('records what every source tells, at the time of the question', async () => {
  const { sampler, valuesOf } = sampling(
    async () => [measurement('a', 1)],
    async () => [measurement('b', 2), measurement('b', 3)],
  )
  await sampler.sample()
  expect([valuesOf('a'), valuesOf('b')]).toEqual([[[1, 1]], [[2, 5]]])
})

test('a source that fails is reported, and the others count', async () => {
  const failure = new Error('no answer')
  const { sampler, valuesOf, errors } = sampling(
    () => Promise.reject(failure),
    async () => [measurement('a', 1)],
  )
  await sampler.sample()
  expect(valuesOf('a')).toEqual([[1, 1]])
  expect(errors).toEqual([failure])
})

test('a slow source is not waited for, nor asked twice, and counts when it answers', async () => {
  let answer: (told: readonly Measurement[]) => void = () => undefined
  const slow = new Promise<readonly Measurement[]>((resolve) => {
    answer = resolve
  })
  let asked = 0
  const { sampler, valuesOf, passDeadline } = sampling(() => {
    asked += 1
    return slow
  })
  for (let i = 0; i < 2; i++) {
    const sampled = sampler.sample()
    passDeadline()
    await sampled
  }
  expect([asked, valuesOf('late')]).toEqual([1, []])
  answer([measurement('late', 7)])
  await sampler.sample()
  expect([asked, valuesOf('late')]).toEqual([1, [[1, 7]]])
})
