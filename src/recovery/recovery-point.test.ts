import { expect, test } from 'vitest'
import type { Suspect } from './damage.ts'
import { chooseRecoveryPoint } from './recovery-point.ts'

const suspectAt = (committedAt?: string): Suspect => ({
  transaction: {
    ids: ['777'],
    rowsByTable: { 'public.orders': 120_000 },
    rows: 120_000,
    ...(committedAt && { committedAt }),
  },
  because: 'it wrote 120000 rows of public.orders; the next largest wrote 3',
})

test.each([
  ['2026-01-15T10:30:00.123456Z', '2026-01-15T10:30:00.123Z'],
  ['2026-01-15T10:30:00.123000Z', '2026-01-15T10:30:00.122Z'],
  ['2026-01-15T10:30:00.000000Z', '2026-01-15T10:29:59.999Z'],
  ['2026-01-15T10:30:00.000001Z', '2026-01-15T10:30:00.000Z'],
])('a commit at %s is not part of the restore to %s', (committedAt, time) => {
  const point = chooseRecoveryPoint({ suspect: suspectAt(committedAt) })
  expect(point).toMatchObject({
    time,
    certainty: 'exact',
    damagedAt: { from: committedAt, to: committedAt },
  })
})

test('without commit times the last good check is the recovery point, and the damage only bounded', () => {
  const point = chooseRecoveryPoint({
    suspect: suspectAt(),
    lastGoodAt: '2026-01-15T10:30:00.123456Z',
    firstBadAt: '2026-01-15T10:30:05.5Z',
  })
  expect(point).toMatchObject({
    time: '2026-01-15T10:30:00.123Z',
    how: 'last good check',
    certainty: 'bounded',
    damagedAt: { from: '2026-01-15T10:30:00.123456Z', to: '2026-01-15T10:30:05.5Z' },
  })
})

const vanished = (at: string) => ({ key: 'may/1.txt', bucket: 'receipts', at })

test('where database and bucket were damaged, good rows are worth more than an early moment', () => {
  const suspect = suspectAt('2026-01-15T10:30:00.500000Z')
  const point = chooseRecoveryPoint({ suspect, vanished: vanished('2026-01-15T10:29:00.000Z') })
  expect(point).toMatchObject({ time: '2026-01-15T10:30:00.499Z', how: 'suspect transaction' })
})

test('an object that vanished is enough to go by', () => {
  const point = chooseRecoveryPoint({
    vanished: vanished('2026-01-15T10:30:02.000Z'),
    lastGoodAt: '2026-01-15T10:29:00.000000Z',
  })
  expect(point).toMatchObject({ time: '2026-01-15T10:30:01.999Z', certainty: 'exact' })
})

test('what a person says comes first', () => {
  const point = chooseRecoveryPoint({
    told: '2026-01-15T12:30:00+02:00',
    suspect: suspectAt('2026-01-15T11:00:00.000000Z'),
  })
  expect(point).toMatchObject({ time: '2026-01-15T10:30:00.000Z', how: 'operator' })
})

test('refuses to guess', () => {
  expect(() => chooseRecoveryPoint({})).toThrowError(
    expect.objectContaining({ code: 'RecoveryPointUnknown' }),
  )
})
