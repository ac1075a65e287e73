import { describe, expect, test } from 'vitest'
import {
  delayOf,
  mayPass,
  NO_OUTAGES,
  type OutageOrder,
  type Outages,
  outagesOf,
  withOutage,
  withoutOutage,
} from './outages.ts'

const [A, B, C] = ['ap-southeast-1', 'us-east-1', 'eu-west-1'] as const
const declared = (...orders: (readonly [string, OutageOrder])[]): Outages =>
  orders.reduce((outages, [name, order]) => withOutage(outages, name, order), NO_OUTAGES)

const client = { to: A, isReplication: false }
const other = { to: B, isReplication: false }
const into = { from: B, to: A, isReplication: true }
const outOf = { from: A, to: B, isReplication: true }
const beside = { from: B, to: C, isReplication: true }
const call = { from: B, to: A, isReplication: false }

describe('what passes while', () => {
  test.each([
    ['nothing is wrong', [], [true, true, true, true, true, true]],
    ['an API is down', [[A, { kind: 'api-only' }]], [false, true, true, true, true, false]],
    [
      'replication is halted',
      [[A, { kind: 'replication-only' }]],
      [true, true, false, false, true, true],
    ],
    [
      'two regions are cut off',
      [[A, { kind: 'partition', from: B }]],
      [true, true, false, false, true, false],
    ],
    [
      'an API is down and replication is halted',
      [
        [A, { kind: 'api-only' }],
        [A, { kind: 'replication-only' }],
      ],
      [false, true, false, false, true, false],
    ],
  ] as const)('%s', (_, orders, passes) => {
    const outages = declared(...orders)
    expect([client, other, into, outOf, beside, call].map((one) => mayPass(outages, one))).toEqual(
      passes,
    )
    expect([client, other, into].map((one) => mayPass(withoutOutage(outages, A), one))).toEqual([
      ...[true, true, true],
    ])
  })
})

test('delays add up along the way', () => {
  const outages = declared([A, { kind: 'slow', ms: 100 }], [B, { kind: 'slow', ms: 20 }])
  expect([client, other, into, beside].map((one) => delayOf(outages, one))).toEqual([
    100, 20, 120, 20,
  ])
  expect(delayOf(outages, { from: A, to: A, isReplication: true })).toBe(100)
  expect(delayOf(withOutage(outages, A, { kind: 'slow', ms: 5 }), client)).toBe(5)
})

test('outages are told in words, on both sides of a partition, and lifted on both', () => {
  const outages = declared(
    [A, { kind: 'slow', ms: 100 }],
    [A, { kind: 'partition', from: B }],
    [A, { kind: 'partition', from: B }],
    [C, { kind: 'partition', from: A }],
    [B, { kind: 'api-only' }],
  )
  expect(outagesOf(outages, A)).toEqual(['100 ms slow', `cut off from ${B}`, `cut off from ${C}`])
  expect(outagesOf(outages, B)).toEqual(['its API is down', `cut off from ${A}`])
  expect(outagesOf(withoutOutage(outages, A), B)).toEqual(['its API is down'])
  expect(withoutOutage(withoutOutage(outages, A), B)).toEqual(NO_OUTAGES)
  expect(outagesOf(declared(['dns', { kind: 'freeze' }]), 'dns')).toEqual(['frozen'])
})

describe('is refused:', () => {
  test.each([
    ['a delay of nothing', A, { kind: 'slow', ms: 0 }, []],
    ['a delay without end', A, { kind: 'slow', ms: 60_001 }, []],
    ['a partition from itself', A, { kind: 'partition', from: A }, []],
    ['a partition from DNS', A, { kind: 'partition', from: 'dns' }, []],
    ['replication of the global services', 'global', { kind: 'replication-only' }, []],
    ['a slow name server', 'dns', { kind: 'slow', ms: 5 }, []],
    ['to slow who is dead', A, { kind: 'slow', ms: 5 }, [[A, { kind: 'kill' }]]],
    ['to freeze who is dead', A, { kind: 'freeze' }, [[A, { kind: 'kill' }]]],
    ['to kill who is cut off', A, { kind: 'kill' }, [[B, { kind: 'partition', from: A }]]],
    ['to cut off who is frozen', A, { kind: 'partition', from: B }, [[B, { kind: 'freeze' }]]],
  ] as const)('%s', (_, name, order, before) => {
    const outages = declared(...before)
    expect(() => withOutage(outages, name, order)).toThrow(
      expect.objectContaining({ code: 'InvalidUsage', hint: expect.any(String) }),
    )
  })

  test.each([
    ['dns', { kind: 'partition', from: A }, [], 'Give it --kill or --freeze.'],
    ['dns', { kind: 'api-only' }, [], 'Give it --kill or --freeze.'],
    [A, { kind: 'partition', from: 'global' }, [], '--kill, --freeze, --slow or --api-only.'],
    [A, { kind: 'freeze' }, [[A, { kind: 'kill' }]], `region outage ${A} --lift.`],
    [A, { kind: 'partition', from: B }, [[B, { kind: 'freeze' }]], `region outage ${B} --lift.`],
  ] as const)('%s %j, with a hint that can be followed', (name, order, before, hint) => {
    const outages = declared(...before)
    expect(() => withOutage(outages, name, order)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(hint) }),
    )
    for (const [, kind] of hint.matchAll(/--(kill|freeze|api-only)/g)) {
      const allowed = { kind } as OutageOrder
      const asked = order.kind === 'partition' && order.from === 'global' ? 'global' : name
      expect(outagesOf(withOutage(NO_OUTAGES, asked, allowed), asked)).toHaveLength(1)
    }
  })

  test('nothing that is asked for twice', () => {
    const killed = declared([A, { kind: 'kill' }])
    expect(withOutage(killed, A, { kind: 'kill' })).toEqual(killed)
  })
})
