import { expect, test } from 'vitest'
import { failureThreshold, restartDelayMs } from './restart-delay.ts'

test('a service waits longer and longer, and at most 27 minutes', () => {
  const seconds = [0, 1, 2, 3, 4, 5, 10, 14, 15, 1000].map(
    (failures) => restartDelayMs(failures) / 1000,
  )
  expect(seconds).toEqual(
    [0, 0, 0, 1, 2, 4, 128, 1620, 1620, 1620].map((s, i) => (i === 7 ? 1620 : s)),
  )
})

test('half of the desired tasks may fail, and at least 3 and at most 200', () => {
  expect([0, 1, 6, 7, 25, 1000].map(failureThreshold)).toEqual([3, 3, 3, 4, 13, 200])
})
