import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareKeys } from './object-key-order.ts'

test('orders keys as their UTF-8 bytes are ordered', () => {
  const key = fc.string({ unit: 'binary', maxLength: 8 })
  fc.assert(
    fc.property(key, key, (a, b) => {
      const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b))
      expect(Math.sign(compareKeys(a, b))).toBe(bytes)
    }),
    { numRuns: 2_000 },
  )
})

test('puts what is beyond U+FFFF behind U+FF5E, which UTF-16 does not', () => {
  expect(compareKeys('\u{1f6df}', '\uff5e')).toBeGreaterThan(0)
  expect('\u{1f6df}' < '\uff5e').toBe(true)
})
