import { expect, test } from 'vitest'
import { isExpected } from './checks.ts'
import { worstState } from './monitor.ts'
import { fullTransactionId, parseSnapshot, wasVisible } from './transaction-snapshot.ts'

test.each([
  ['0', 0, true],
  ['0.00', 0, true],
  ['1', 0, false],
  ['', 0, false],
  ['t', true, true],
  ['f', false, true],
  ['f', true, false],
  [null, 0, false],
  [null, null, true],
  ['0', null, false],
  ['ok', 'ok', true],
  ['12345678901234567890', '12345678901234567890', true],
])('%j against %j is %s', (value, expected, outcome) => {
  expect(isExpected(value, expected)).toBe(outcome)
})

test('one unknown check is never green, one failed check is red', () => {
  const state = (...states: ('passed' | 'failed' | 'unknown')[]) =>
    worstState(states.map((one) => ({ state: one })))
  expect(state('passed', 'passed')).toBe('passed')
  expect(state('passed', 'unknown')).toBe('unknown')
  expect(state('unknown', 'failed')).toBe('failed')
  expect(state()).toBe('unknown')
})

test('a snapshot says which transactions it saw', () => {
  const snapshot = parseSnapshot('100:110:103,105')
  expect([99n, 100n, 103n, 104n, 105n, 109n, 110n].map((id) => wasVisible(snapshot, id))).toEqual([
    true,
    true,
    false,
    true,
    false,
    true,
    false,
  ])
})

test('a 32-bit number is the latest transaction that has it', () => {
  expect(fullTransactionId(5n, 0x1_0000_0010n)).toBe(0x1_0000_0005n)
  expect(fullTransactionId(0xffff_fff0n, 0x1_0000_0010n)).toBe(0xffff_fff0n)
})
