import { expect, test } from 'vitest'
import type { Runbook } from '../../runbook/runbook.ts'
import { regionFailure } from '../runbooks/region-failure.ts'
import type { OwnStep } from './own-step.ts'
import { planFor } from './plan.ts'

const plan = regionFailure as unknown as Runbook
const own = (name: string, more: Partial<OwnStep> = {}): OwnStep => ({
  ...{ name, title: name, runbook: 'region-failure', after: 'promote', owner: 'payments' },
  ...{ deadlineSeconds: 60, needs: [], isIdempotent: true, pass: [] },
  does: { kind: 'command', argv: ['./drain', 'it all'] },
  ...more,
})
const afterOf = ({ steps }: Runbook, name: string) =>
  steps.find((step) => step.name === name)!.after

test('a step stands between the one that it names and whatever follows that', () => {
  const spliced = planFor(plan, { steps: [own('first'), own('second')] })
  expect(afterOf(spliced, 'first')).toEqual(['promote'])
  expect(afterOf(spliced, 'second')).toEqual(['promote', 'first'])
  for (const next of ['arm', 'secrets', 'plan-failback']) {
    expect(afterOf(spliced, next)).toEqual(['promote', 'second', 'first'])
  }
  const names = spliced.steps.map(({ name }) => name)
  expect(names.slice(names.indexOf('promote'))).toEqual(
    expect.arrayContaining(['promote', 'first', 'second', 'arm']),
  )
  expect(names.indexOf('second')).toBe(names.indexOf('promote') + 2)
})

test('a runbook is left as it is by steps of another', () => {
  expect(planFor(plan, { steps: [own('one', { runbook: 'failback' })] })).toBe(plan)
})

test('the rules of a plan hold for every step', () => {
  const { needs: _, ...silent } = own('silent')
  expect(() => planFor(plan, { steps: [silent] })).toThrow("'silent' does not say what it reaches")
  const lost = own('lost', { needs: [{ api: 'sqs', where: 'primary', plane: 'data' }] })
  expect(() => planFor(plan, { steps: [lost] })).toThrow("'lost' cannot do without sqs")
})

test('a plan shows what a step does, and that nothing checks it', () => {
  const step = planFor(plan, { steps: [own('drain')] }).steps.find(({ name }) => name === 'drain')!
  expect(step.notes).toEqual([
    'of payments: ./drain "it all"',
    'unknown: nothing checks what it has reached',
  ])
  expect(step.unproven).toBe('nothing checks what it has reached')
})
