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

const facts = { workload: { region: 'eu-west-1', recoveryRegion: 'eu-central-1' } }

test('commands and requests of one word after the other are quoted for a shell', () => {
  expect(ownLines(step, facts).map(({ kind, line }) => [kind, line])).toEqual([
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
  expect(ownLines(manual, facts)).toEqual([
    { kind: 'do', what: 'ada: Call the bank.', line: 'true' },
  ])
})

test('a function is called with its payload, and its own failure is one of the line', () => {
  const does = { kind: 'lambda', name: 'drain', region: 'recovery', payload: ["it's"] } as const
  const { check: _, ...rest } = step
  expect(ownLines({ ...rest, does }, facts).map(({ line }) => line)).toEqual([
    `[ "$(printf %s '["it'\\''s"]' | AWS_MAX_ATTEMPTS=1 aws lambda invoke --function-name drain ` +
      '--payload fileb:///dev/stdin --cli-read-timeout 905 --region eu-central-1 --query FunctionError --output text >(cat >&2))" = None ]',
  ])
})
