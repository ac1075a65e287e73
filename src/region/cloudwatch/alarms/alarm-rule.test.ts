import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../protocol/fault.ts'
import { alarmsIn, holds, parseAlarmRule } from './alarm-rule.ts'
import type { StateValue } from './evaluate.ts'

const STATES: Readonly<Record<string, StateValue>> = {
  a: 'ALARM',
  b: 'OK',
  c: 'INSUFFICIENT_DATA',
  'with (blanks) "': 'ALARM',
}

const isTrue = (rule: string) => holds(parseAlarmRule(rule), (name) => STATES[name])

test.each([
  ['TRUE', true],
  ['FALSE', false],
  ['ALARM(a)', true],
  ['ALARM("a")', true],
  [' ALARM ( a ) ', true],
  ['OK(a)', false],
  ['INSUFFICIENT_DATA(c)', true],
  ['NOT ALARM(a)', false],
  ['NOT NOT ALARM(a)', true],
  ['ALARM(a) AND OK(b)', true],
  ['ALARM(a) AND ALARM(b)', false],
  ['ALARM(b) OR ALARM(a)', true],
  // AND before OR, NOT before both.
  ['ALARM(a) OR ALARM(a) AND ALARM(b)', true],
  ['(ALARM(a) OR ALARM(a)) AND ALARM(b)', false],
  ['NOT ALARM(b) AND ALARM(a)', true],
  ['ALARM(absent) OR OK(absent) OR INSUFFICIENT_DATA(absent)', false],
  ['NOT ALARM(absent)', true],
])('%s', (rule, expected) => {
  expect(isTrue(rule)).toBe(expected)
})

test('names the alarms that it depends on', () => {
  const arn = 'arn:aws:cloudwatch:eu-west-1:000000000000:alarm:b c'
  expect(alarmsIn(parseAlarmRule(`ALARM("${arn}") OR (OK(a) AND NOT ALARM(d e))`))).toEqual([
    ...[arn, 'a', 'd e'],
  ])
})

describe('refuses', () => {
  test.each([
    ['nothing', ''],
    ['half a term', 'ALARM(a'],
    ['half a bracket', '(ALARM(a)'],
    ['a bracket too many', 'ALARM(a))'],
    ['two terms without an operator', 'ALARM(a) ALARM(b)'],
    ['an operator without a term', 'ALARM(a) AND'],
    ['a NOT without a term', 'NOT'],
    ['a state that is none', 'GREEN(a)'],
    ['no name', 'ALARM()'],
    ['lower case', 'alarm(a)'],
    ['a count', 'AT_LEAST(1, ALARM, (a, b))'],
    ['more than 500 elements', Array(501).fill('TRUE').join(' OR ')],
    ['more than 100 alarms', Array.from({ length: 101 }, (_, i) => `OK(a${i})`).join(' OR ')],
    ['more than 10,240 characters', `ALARM(a)${' '.repeat(10_240)}`],
  ])('%s', (_, rule) => {
    expect(() => parseAlarmRule(rule)).toThrow(Fault)
  })

  test('whatever else it does not understand, and in no time', () => {
    const piece = fc.constantFrom(
      'ALARM(',
      'a',
      '"',
      ')',
      '(',
      ' AND ',
      ' OR ',
      'NOT ',
      'TRUE',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
        try {
          parseAlarmRule(pieces.join(''))
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
        }
      }),
    )
  })

  test('a long nonsense, in no time', () => {
    const startedMs = performance.now()
    expect(() => parseAlarmRule(`ALARM(${'a '.repeat(5000)}`)).toThrow(Fault)
    expect(performance.now() - startedMs).toBeLessThan(2000)
  })
})
