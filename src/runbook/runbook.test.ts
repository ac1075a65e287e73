import { expect, expectTypeOf, test } from 'vitest'
import { noUndo, runbook } from './runbook.ts'

const base = {
  title: 'Do it',
  phase: 'execute' as const,
  deadlineSeconds: 5,
  onDeadline: 'ask' as const,
  undo: noUndo('it only reads'),
}

test('a step comes after the one before it unless it says otherwise', () => {
  const list = runbook('sample', { title: 'Sample', description: 'for a test' })
    .step('one', { ...base, run: async () => ({ n: 1 }) })
    .step('two', { ...base, run: async () => null })
    .step('apart', { ...base, after: [], run: async () => null })
    .step('end', { ...base, after: ['two', 'apart'], run: async () => null })
    .build()
  expect(list.steps.map(({ name, after }) => [name, after])).toEqual([
    ['one', []],
    ['two', ['one']],
    ['apart', []],
    ['end', ['two', 'apart']],
  ])
})

test('outputs of earlier steps are typed by name, and a misspelt name does not compile', () => {
  runbook<{ instance: string }, { now(): Date }>('typed', {
    title: 'Typed',
    description: 'for a test',
  })
    .step('count', { ...base, run: async ({ input }) => ({ rows: input.instance.length }) })
    .step('report', {
      ...base,
      run: async ({ done, tools }) => {
        expectTypeOf(done.count.rows).toEqualTypeOf<number>()
        expectTypeOf(done).not.toHaveProperty('coutn')
        expectTypeOf(tools.now()).toEqualTypeOf<Date>()
        return null
      },
    })
})

test('a step after one that is not in the list is refused', () => {
  const begun = runbook('sample', { title: 'Sample', description: 'for a test' })
  const after = ['missing'] as unknown as never[]
  expect(() => begun.step('one', { ...base, after, run: async () => null })).toThrow(/missing/)
})
