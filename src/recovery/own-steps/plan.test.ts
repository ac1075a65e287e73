import { expect, test } from 'vitest'
import type { Runbook } from '../../runbook/runbook.ts'
import { policyOf } from '../rights.ts'
import { regionFailure } from '../runbooks/region-failure.ts'
import type { Workload } from '../workload.ts'
import { parseWorkload } from '../workload-file.ts'
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

test('what a step reaches by Lambda need not be said, and must not be lost', () => {
  const file = (more: string) => `
workload: shop
objectives: { rto: 15m, rpo: 5m }
regions: { primary: eu-west-1, recovery: eu-central-1 }
database: { instance: shop-db, secret: shop/database }
checks: [{ name: one, sql: select 1, expect: 1 }]
steps: [{ name: drain, runbook: region-failure, after: promote, owner: ada, ${more} }]`
  const stepIn = (more: string) => parseWorkload(file(more)).steps![0]!
  const drained = stepIn(
    'lambda: { function: drain, payload: [1] }, check: { lambda: { function: is-drained } }',
  )
  expect(drained.does).toEqual({ kind: 'lambda', name: 'drain', region: 'recovery', payload: [1] })
  expect(drained.needs).toEqual([{ api: 'lambda', where: 'recovery', plane: 'data' }])
  expect(() => stepIn('lambda: { function: drain, region: primary }')).toThrow(
    "'drain' cannot do without lambda of what is lost (primary)",
  )
  expect(() => stepIn("lambda: { function: drain }, check: { command: ['true'] }")).toThrow(
    "'drain' does not say what it reaches",
  )
  const arn = 'arn:aws:lambda:eu-west-1:123456789012:function:drain'
  expect(() => stepIn(`lambda: { function: '${arn}' }`)).toThrow(
    `function '${arn}' is in 'eu-west-1', and the recovery region is 'eu-central-1'`,
  )
  expect(() => stepIn("lambda: { function: drain }, command: ['true']")).toThrow(
    "step 'drain' does two things: command, lambda",
  )
  expect(() =>
    parseWorkload(file('lambda: { function: drain }').replace(', recovery: eu-central-1', '')),
  ).toThrow("function 'drain' is in the recovery region, and there is none")
})

test('a policy allows the functions of the runbooks that it is for, and no others', () => {
  const name = 'drain:live'
  const workload = {
    ...{
      region: 'eu-west-1',
      recoveryRegion: 'eu-central-1',
      buckets: [],
      services: [],
      database: { instance: 'a', secret: 'b', adminSecret: 'b' },
    },
    steps: [
      own('one', { does: { kind: 'lambda', name, region: 'recovery' } }),
      own('two', {
        runbook: 'failback',
        does: { kind: 'lambda', name: '123456789012:function:home', region: 'primary' },
      }),
    ],
  } as unknown as Workload
  const allowed = (...commands: string[]) =>
    policyOf(workload, commands)
      .Statement.filter(({ Action }) => Action.includes('lambda:InvokeFunction'))
      .map(({ Resource }) => Resource)
  const away = `arn:aws:lambda:eu-central-1:*:function:${name}`
  expect(allowed('runbook run region-failure')).toEqual([[away]])
  expect(allowed('runbook run region-failure', 'runbook run failback')).toEqual([
    [away, 'arn:aws:lambda:eu-west-1:123456789012:function:home'],
  ])
  expect(allowed('runbook run data-corruption', 'status')).toEqual([])
})

test('a plan shows what a step does, and that nothing checks it', () => {
  const step = planFor(plan, { steps: [own('drain')] }).steps.find(({ name }) => name === 'drain')!
  expect(step.notes).toEqual([
    'of payments: ./drain "it all"',
    'unknown: nothing checks what it has reached',
  ])
  expect(step.unproven).toBe('nothing checks what it has reached')
})
