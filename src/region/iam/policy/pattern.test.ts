import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matches, readArnPattern, readPattern } from './pattern.ts'

const like = (pattern: string, text: string) => matches(readPattern(pattern)!, text)

describe('a pattern', () => {
  test.each([
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['**', 'abc', true],
    ['a*c', 'ac', true],
    ['a*c', 'abcb', false],
    ['*a*b', 'xaxxb', true],
    ['?', '', false],
    ['?', '😀', true],
    ['a.c', 'abc', false],
    ['[a]', 'a', false],
    ['a\\*', 'a\\b', true],
  ])('%j of %j is %s', (pattern, text, expected) => {
    expect(like(pattern, text)).toBe(expected)
  })

  test('matches what a regular expression of the same meaning matches', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', ':'), maxLength: 12 })
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ':'), maxLength: 14 })
    fc.assert(
      fc.property(pattern, text, (wild, plain) => {
        const expression = wild.replaceAll('*', '.*').replaceAll('?', '.')
        expect(like(wild, plain)).toBe(new RegExp(`^${expression}$`, 's').test(plain))
      }),
      { numRuns: 5000 },
    )
  })

  test('of an ARN keeps to its part, unless the wildcard ends it', () => {
    const part = fc.string({ unit: fc.constantFrom('a', '*', '?'), minLength: 1, maxLength: 4 })
    const text = fc.string({ unit: fc.constantFrom('a', ':'), maxLength: 14 })
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 5 }), text, (parts, plain) => {
        const expression = parts
          .map((one) =>
            one.replace(/[*?]/g, (wild, at: number) => {
              if (wild === '?') return '[^:]'
              return at === one.length - 1 ? '.*' : '[^:]*'
            }),
          )
          .join(':')
        const isMatch = matches(readArnPattern(parts.join(':'))!, plain)
        expect(isMatch).toBe(new RegExp(`^${expression}$`, 's').test(plain))
      }),
      { numRuns: 5000 },
    )
  })

  test('that would take a backtracking matcher for ever is decided at once', () => {
    const pattern = readPattern(`${'*a'.repeat(500)}b`)!
    const steps = { before: process.hrtime.bigint() }
    expect(matches(pattern, 'a'.repeat(2000))).toBe(false)
    const seconds = Number(process.hrtime.bigint() - steps.before) / 1e9
    expect(seconds).toBeLessThan(5)
  })

  test('takes the values of the request for text', () => {
    const lookup = (key: string) => (key === 'k' ? ['*', '?'].slice(0, 1) : undefined)
    expect(matches(readPattern(`\${k}`, { lookup })!, '*')).toBe(true)
    expect(matches(readPattern(`\${k}`, { lookup })!, 'x')).toBe(false)
    expect(readPattern(`\${absent}`, { lookup })).toBeUndefined()
    const two = () => ['a', 'b']
    expect(readPattern(`\${k}`, { lookup: two })).toBeUndefined()
  })
})
