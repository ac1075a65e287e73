import { describe, expect, test } from 'vitest'
import type { HealthCheck } from './health-check.ts'
import { afterResult, judge } from './judge.ts'

const settings = { id: 'check', version: 1, isInverted: false, isDisabled: false }
const endpoint = { ...settings, kind: 'endpoint' } as HealthCheck
const checkers = (healthy: number, ill: number) =>
  Array.from({ length: healthy + ill }, (_, index) => ({
    location: `l${index}`,
    isHealthy: index < healthy,
    contradictions: 0,
  }))
const never = () => {
  throw new Error('an endpoint has no children')
}

describe('an endpoint is healthy when more than 18 % of its checkers find it so', () => {
  test.each([
    [8, 0, true],
    [2, 6, true],
    [1, 7, false],
    [0, 8, false],
    [1, 2, true],
    [0, 3, false],
    [9, 41, false],
    [10, 40, true],
    [18, 82, false],
    [19, 81, true],
  ])('%i of them, and %i not: %s', (healthy, ill, expected) => {
    expect(judge(endpoint, { checkers: checkers(healthy, ill) }, never)).toBe(expected)
  })
})

describe('a calculated check counts its children', () => {
  const calculated = (healthyAtLeast: number): HealthCheck => ({
    ...settings,
    kind: 'calculated',
    children: ['a', 'b', 'c'],
    healthyAtLeast,
  })
  test.each([
    [0, [], true],
    [1, [], false],
    [1, ['b'], true],
    [2, ['b'], false],
    [3, ['a', 'b', 'c'], true],
    [4, ['a', 'b', 'c'], false],
  ])('at least %i, %j are healthy: %s', (least, healthy, expected) => {
    const isHealthy = (id: string) => (healthy as string[]).includes(id)
    expect(judge(calculated(least), { checkers: [] }, isHealthy)).toBe(expected)
  })
})

describe('an alarm with too little data', () => {
  const alarm = (whenUnknown: 'healthy' | 'unhealthy' | 'last known'): HealthCheck => ({
    ...settings,
    kind: 'alarm',
    alarm: { region: 'r', name: 'n' },
    whenUnknown,
  })
  test.each([
    ['healthy', 0, true],
    ['unhealthy', 1, false],
    ['last known', 1, true],
    ['last known', 0, false],
  ] as const)('is %s, with %i healthy before: %s', (whenUnknown, healthy, expected) => {
    const seen = { checkers: checkers(healthy, 1 - healthy), isUnknown: true }
    expect(judge(alarm(whenUnknown), seen, never)).toBe(expected)
    expect(judge(alarm(whenUnknown), { ...seen, isUnknown: false }, never)).toBe(healthy === 1)
  })
})

test.each([
  // disabled, inverted, is an ill endpoint healthy, is a well one
  [false, false, false, true],
  [false, true, true, false],
  [true, false, true, true],
  [true, true, false, false],
])('disabled %s, inverted %s: an ill endpoint %s, a well one %s', (...row) => {
  const [isDisabled, isInverted, ill, well] = row
  const check = { ...endpoint, isDisabled, isInverted } as HealthCheck
  expect(judge(check, { checkers: checkers(0, 3) }, never)).toBe(ill)
  expect(judge(check, { checkers: checkers(3, 0) }, never)).toBe(well)
})

describe('a checker changes its mind', () => {
  const after = (results: string, threshold: number, isHealthy = true) =>
    [...results].reduce((checker, result) => afterResult(checker, result === '+', threshold), {
      isHealthy,
      contradictions: 0,
    }).isHealthy
  test.each([
    ['---', 3, false],
    ['--+--', 3, true],
    ['--+---', 3, false],
    ['---++', 3, false],
    ['---+++', 3, true],
    ['---++-+++', 3, true],
    ['-', 1, false],
    ['-+', 1, true],
  ])('%s, %i in a row: %s', (results, threshold, expected) => {
    expect(after(results, threshold)).toBe(expected)
  })
})
