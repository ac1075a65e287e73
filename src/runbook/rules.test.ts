import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StepStatus } from './execution.ts'
import { NOT_BEGUN } from './failure.ts'
import type { ExecutionRecord, StepState } from './record.ts'
import {
  cancelRefusal,
  isPassed,
  isSettled,
  mayBegin,
  outcomeOf,
  statusOf,
  stepOf,
  undoOrder,
  verdictOf,
} from './rules.ts'

interface Listed {
  readonly name: string
  readonly after: readonly string[]
}

/** Lists in which each step comes after any of those before it. */
const lists = fc
  .array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 12 })
  .map((drawn) =>
    drawn.map((numbers, index): Listed => {
      const after = index === 0 ? [] : numbers.map((number) => `step ${number % index}`)
      return { name: `step ${index}`, after: [...new Set(after)] }
    }),
  )

const step = (name: string, more: Partial<StepState> = {}): StepState => ({
  name,
  title: name,
  phase: 'execute',
  status: 'notStarted',
  attempts: [],
  ...more,
})

const record = (more: Partial<ExecutionRecord> = {}): ExecutionRecord => ({
  id: 'e',
  runbook: 'r',
  input: null,
  autoApprove: [],
  isPaused: false,
  startedAt: new Date(0),
  version: 1,
  steps: [],
  ...more,
})

/** Plays an execution: at each moment one of the choices that the rules leave is taken. */
function play(list: readonly Listed[], choices: readonly number[]) {
  let now = record({ steps: list.map(({ name }) => step(name)) })
  const order: string[] = []
  const change = (name: string, status: StepStatus, more: Partial<StepState> = {}) => {
    const steps = now.steps.map((one) => (one.name === name ? { ...one, status, ...more } : one))
    now = { ...now, steps }
  }
  for (let turn = 0; ; turn++) {
    const choice = choices[turn % choices.length]!
    const startable = list.filter((one) => mayBegin(now, one))
    const running = now.steps.filter(({ status }) => status === 'running')
    if (startable.length + running.length === 0) return { now, order }
    const picked = choice % (startable.length + running.length)
    const begins = startable[picked]
    if (begins) {
      change(begins.name, 'running', { attempts: [{ startedAt: new Date(turn) }] })
      order.push(begins.name)
    } else {
      const { name } = running[picked - startable.length]!
      if (choice % 5 === 4) change(name, 'skipped')
      else change(name, 'completed', { completedOrder: order.indexOf(name) + 1 })
    }
  }
}

test('whatever runs side by side, every step begins once, after all that it comes after', () => {
  fc.assert(
    fc.property(lists, fc.array(fc.nat(), { minLength: 1 }), (list, choices) => {
      const { now, order } = play(list, choices)
      expect([...order].sort()).toEqual(list.map(({ name }) => name).sort())
      for (const { name, after } of list) {
        for (const before of after) expect(order.indexOf(before)).toBeLessThan(order.indexOf(name))
      }
      expect(now.steps.every(isPassed)).toBe(true)
      const hasSkips = now.steps.some(({ status }) => status === 'skipped')
      expect(outcomeOf(now)).toBe(hasSkips ? 'completedWithSkips' : 'completed')
    }),
  )
})

test('nothing begins while the execution is paused, canceled, ended, or has failed', () => {
  const heldBack: Partial<ExecutionRecord>[] = [
    { isPaused: true },
    { cancel: { by: 'ana', outcome: 'canceled' } },
    { outcome: 'completed' },
    { steps: [step('a'), step('b', { status: 'failed' })] },
  ]
  const free = { steps: [step('a'), step('b')] }
  expect(mayBegin(record(free), { name: 'a', after: [] })).toBe(true)
  for (const more of heldBack) {
    expect(mayBegin(record({ ...free, ...more }), { name: 'a', after: [] })).toBe(false)
  }
})

test('a step begins only out of waiting, and only after what is passed', () => {
  const statuses: StepStatus[] = [
    'notStarted',
    'running',
    'pendingApproval',
    'completed',
    'skipped',
    'canceled',
    'undone',
  ]
  const begins = statuses.filter((status) =>
    mayBegin(record({ steps: [step('a', { status })] }), { name: 'a', after: [] }),
  )
  expect(begins).toEqual(['notStarted', 'pendingApproval'])
  const lets = statuses.filter((status) =>
    mayBegin(record({ steps: [step('a', { status }), step('b')] }), { name: 'b', after: ['a'] }),
  )
  expect(lets).toEqual(['completed', 'skipped'])
  expect(statuses.filter((status) => isSettled({ status }))).toEqual([
    'completed',
    'skipped',
    'canceled',
    'undone',
  ])
})

test('undoing goes back through what was completed, newest first', () => {
  fc.assert(
    fc.property(lists, fc.array(fc.nat(), { minLength: 1 }), (list, choices) => {
      const { now } = play(list, choices)
      const undone = undoOrder(now)
      const completed = now.steps.filter(({ status }) => status === 'completed')
      expect([...undone].sort()).toEqual(completed.map(({ name }) => name).sort())
      for (const { name, after } of list) {
        for (const before of after) {
          if (undone.includes(before) && undone.includes(name)) {
            expect(undone.indexOf(name)).toBeLessThan(undone.indexOf(before))
          }
        }
      }
    }),
  )
})

test('what an execution waits for is its status, whether or not a process executes it', () => {
  const of = (more: Partial<ExecutionRecord>, ...steps: StepState[]) =>
    [true, false].map((isLive) => statusOf(record({ steps, ...more }), isLive))
  const cancel = { by: 'ana', outcome: 'canceled' as const }

  expect(of({}, step('a'))).toEqual(['running', 'interrupted'])
  expect(of({}, step('a', { status: 'running' }))).toEqual(['running', 'interrupted'])
  expect(of({}, step('a', { status: 'pendingApproval' }))).toEqual([
    'pendingApproval',
    'pendingApproval',
  ])
  expect(
    of({}, step('a', { status: 'pendingApproval' }), step('b', { status: 'running' })),
  ).toEqual(['pendingApproval', 'interrupted'])
  expect(of({}, step('a', { status: 'failed' }), step('b', { status: 'pendingApproval' }))).toEqual(
    ['pausedByFailedStep', 'pausedByFailedStep'],
  )
  expect(of({ isPaused: true }, step('a'))).toEqual(['pausedByOperator', 'pausedByOperator'])
  expect(of({ cancel }, step('a', { status: 'failed' }))).toEqual(['running', 'interrupted'])
  expect(of({ cancel }, step('a', { status: 'failed', undo: 'failed' }))).toEqual([
    'pausedByFailedStep',
    'pausedByFailedStep',
  ])
  expect(of({ outcome: 'canceled' }, step('a'))).toEqual(['canceled', 'canceled'])
})

test('only what was completed whole is proven', () => {
  expect(verdictOf('completed', [{}])).toBe('proven')
  expect(verdictOf('completed', [{}, { unproven: 'nothing checks it' }])).toBe('unproven')
  expect(verdictOf('completedWithSkips', [{}])).toBe('unproven')
  expect(verdictOf('canceled', [{}])).toBe('unproven')
  expect(verdictOf('failed', [{}])).toBe('failed')
  expect(verdictOf('running', [{}])).toBe('unknown')
  expect(verdictOf('interrupted', [{}])).toBe('unknown')
})

test('canceling is refused from the moment a one-way step has begun', () => {
  const begun = { attempts: [{ startedAt: new Date(0) }] }
  expect(cancelRefusal(record({ steps: [step('a', begun)] }))).toBeUndefined()
  expect(cancelRefusal(record({ steps: [step('a', { gateKind: 'oneWay' })] }))).toBeUndefined()
  expect(cancelRefusal(record({ steps: [step('a', { gateKind: 'harm', ...begun })] }))).toBe(
    undefined,
  )
  expect(cancelRefusal(record({ steps: [step('a', { gateKind: 'oneWay', ...begun })] }))).toContain(
    "'a' has begun",
  )
  const kept = { startedAt: new Date(0), error: { code: NOT_BEGUN, message: 'kept from it' } }
  const may = (attempts: StepState['attempts']) =>
    cancelRefusal(record({ steps: [step('a', { gateKind: 'oneWay', attempts })] })) === undefined
  expect(may([kept])).toBe(true)
  expect(may([kept, ...begun.attempts])).toBe(false)
})

test('a canceled execution from which something was left behind has failed', () => {
  const cancel = { by: 'ana', outcome: 'canceled' as const }
  expect(outcomeOf(record({ cancel, steps: [step('a', { undo: 'done' })] }))).toBe('canceled')
  expect(outcomeOf(record({ cancel, steps: [step('a', { undo: 'abandoned' })] }))).toBe('failed')
})

test('a step that is not in the list is a mistake', () => {
  expect(() => stepOf(record(), 'nope')).toThrow(RangeError)
})
