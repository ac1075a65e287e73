import { expect, test } from 'vitest'
import { ownLines } from './by-hand.ts'
import type { OwnStep } from './own-step.ts'

const step: OwnStep = {
  ...{ name: 'drain', title: 'Drain the queue', runbook: 'region-failure', after: 'fence' },
  ...{ owner: 'ada', deadlineSeconds: 60, isIdempotent: true, pass: [] },
  does: { kind: 'command', argv: ['./drain', "it's", '$HOME'] },
  check: { kind: 'http', url: 'http://queue/?empty=1', method: 'GET', status: 204 },
  folder: '/etc/shop',
}

test('commands and requests of one word after the other are quoted for a shell', () => {
  expect(ownLines(step).map(({ kind, line }) => [kind, line])).toEqual([
    ['do', `(cd /etc/shop && ./drain 'it'\\''s' '$HOME')`],
    [
      'check',
      `check bash -c '[ "$(curl -s -o /dev/null -w '\\''%{http_code}'\\'' -X GET '\\''http://queue/?empty=1'\\'')" = 204 ]'`,
    ],
  ])
})

test('what a person does is said, and nothing is run', () => {
  const { check: _, ...rest } = step
  const manual: OwnStep = { ...rest, does: { kind: 'manual', instructions: 'Call the bank.' } }
  expect(ownLines(manual)).toEqual([{ kind: 'do', what: 'ada: Call the bank.', line: 'true' }])
})
