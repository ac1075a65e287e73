import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type JournalStep, measureRecovery } from './phase-clock.ts'

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 15, 10, 0) + seconds * 1000)
const iso = (seconds: number) => at(seconds).toISOString()

test('splits a recovery with a gate and parallel steps', () => {
  const steps: JournalStep[] = [
    { phase: 'decide', attempts: [{ startedAt: at(12), endedAt: at(13) }] },
    {
      phase: 'execute',
      gate: { askedAt: at(13), approvedAt: at(20) },
      attempts: [{ startedAt: at(20), endedAt: at(21) }],
    },
    { phase: 'execute', attempts: [{ startedAt: at(21), endedAt: at(26) }] },
    { phase: 'verify', attempts: [{ startedAt: at(21), endedAt: at(28) }] },
    { phase: 'verify', attempts: [{ startedAt: at(28), endedAt: at(30) }] },
    { phase: 'execute', attempts: [{ startedAt: at(30.5), endedAt: at(35) }] },
  ]
  const time = measureRecovery(
    {
      damagedAt: { from: iso(0), to: iso(0) },
      detectedAt: at(10),
      startedAt: at(12),
      firstVerifiedWriteAt: at(33),
    },
    steps,
  )
  expect(time).toEqual({
    exposureSeconds: 33,
    detectSeconds: 10,
    decideSeconds: 2 + 1 + 7,
    executeSeconds: 1 + 5 + 0.5 + 2.5,
    verifySeconds: 2 + 2,
    totalSeconds: 23,
    fromApprovalSeconds: 13,
  })
})

test('waiting for a person after a failed attempt is deciding', () => {
  const steps: JournalStep[] = [
    {
      phase: 'execute',
      attempts: [
        { startedAt: at(0), endedAt: at(1), error: { message: 'no' } },
        { startedAt: at(9), endedAt: at(10) },
      ],
    },
  ]
  const moments = {
    damagedAt: { from: null, to: null },
    detectedAt: null,
    startedAt: at(0),
    firstVerifiedWriteAt: at(10),
  }
  expect(measureRecovery(moments, steps)).toMatchObject({
    decideSeconds: 8,
    executeSeconds: 2,
    totalSeconds: 10,
    exposureSeconds: null,
    detectSeconds: null,
    exposureBoundsSeconds: [null, null],
  })
})

test('gives bounds, and nothing invented, when the damage is only bounded', () => {
  const time = measureRecovery(
    {
      damagedAt: { from: iso(0), to: iso(5) },
      detectedAt: at(5.2),
      startedAt: at(6),
      firstVerifiedWriteAt: null,
    },
    [],
  )
  expect(time).toEqual({
    exposureSeconds: null,
    detectSeconds: null,
    decideSeconds: null,
    executeSeconds: null,
    verifySeconds: null,
    totalSeconds: null,
    fromApprovalSeconds: null,
    exposureBoundsSeconds: [null, null],
    detectBoundsSeconds: [expect.closeTo(0.2), 5.2],
  })
})

test('the phases always add up to the total', () => {
  const second = fc.integer({ min: 0, max: 100 })
  const span = fc.tuple(second, second).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
  const step = fc
    .record({
      phase: fc.constantFrom('decide' as const, 'execute' as const, 'verify' as const),
      gate: fc.option(span, { nil: undefined }),
      attempts: fc.array(span, { maxLength: 3 }),
    })
    .map(
      ({ phase, gate, attempts }): JournalStep => ({
        phase,
        ...(gate && { gate: { askedAt: at(gate[0]), approvedAt: at(gate[1]) } }),
        attempts: attempts.map(([from, to]) => ({ startedAt: at(from), endedAt: at(to) })),
      }),
    )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6 }), span, second, (steps, [from, to], begun) => {
      const time = measureRecovery(
        {
          damagedAt: { from: iso(from), to: iso(from) },
          detectedAt: at(from),
          startedAt: at(begun),
          firstVerifiedWriteAt: at(to),
        },
        steps,
      )
      const parts = time.decideSeconds! + time.executeSeconds! + time.verifySeconds!
      expect(parts).toBeCloseTo(time.totalSeconds!, 6)
    }),
  )
})
