import { expect, test } from 'vitest'
import { LifeboatError } from '../core/errors.ts'
import { failureOf, isRetryable } from './failure.ts'
import { journalValue } from './journal-values.ts'

test('a value is what JSON keeps of it', () => {
  expect(journalValue('it', { at: new Date(0), gone: undefined, list: [undefined] })).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    list: [null],
  })
  expect(journalValue('it', undefined)).toBe(null)
})

test.each([
  { password: 'canary' },
  { deep: [{ secretAccessKey: 'canary' }] },
  { SECRET_ACCESS_KEY: 'canary' },
  { secretString: 'canary' },
  { url: 'postgres://user:canary@host/db' },
])('refuses %j', (value) => {
  expect(() => journalValue('it', value)).toThrow(/I12/)
})

test.each([
  { secret: 'shop/database' },
  { password: '' },
  { password: null },
  { url: 'http://127.0.0.1:4566/' },
  { note: 'mail ana@example.com at 10:30' },
])('keeps %j', (value) => {
  expect(journalValue('it', value)).toEqual(value)
})

test('of an error its words are kept, without cause and credentials', () => {
  const cause = new Error('inside')
  expect(
    failureOf(new LifeboatError('DatabaseUnreachable', 'away', { hint: 'Wait.', cause })),
  ).toEqual({ code: 'DatabaseUnreachable', message: 'away', hint: 'Wait.' })
  expect(failureOf(new Error('no route to postgres://ana:canary@db/shop'))).toEqual({
    code: 'StepFailed',
    message: 'no route to postgres://…@db/shop',
  })
  expect(failureOf('words')).toEqual({ code: 'StepFailed', message: 'words' })
})

test('the error table says what may pass; a deadline has its own rule', () => {
  expect(isRetryable(new LifeboatError('DatabaseUnreachable', 'away'))).toBe(true)
  expect(isRetryable(new LifeboatError('RestoreNotVerified', 'rows are gone'))).toBe(false)
  expect(isRetryable(new LifeboatError('StepDeadlineExceeded', 'late'))).toBe(false)
  expect(isRetryable(new LifeboatError('StepFailed', 'no output'))).toBe(false)
  expect(isRetryable(new Error('a mistake'))).toBe(false)
})
