import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import { thisExecutor } from '../../src/runbook/executor.ts'
import { Journal } from '../../src/runbook/journal.ts'
import { adopt } from '../../src/runbook/operator.ts'
import { noUndo, runbook } from '../../src/runbook/runbook.ts'
import { Transitions } from '../../src/runbook/transitions.ts'
import { stateForTests } from './state-postgres.ts'

const state = stateForTests()

const list = runbook('short', { title: 'Short', description: 'for a test' })
  .step('a', {
    ...{ title: 'a', phase: 'execute', deadlineSeconds: 60, onDeadline: 'ask' },
    run: async () => null,
    undo: noUndo('nothing'),
  })
  .build()
const [step] = list.steps
const interrupted = { code: 'Interrupted', message: 'it stood still' }

test('what a process says late of a try does not end the one that it makes now', async () => {
  const id = 'late'
  const executor = thisExecutor(systemRandom)
  const journal = await Journal.open(state(), systemClock)
  await journal.heartbeat(executor)
  await journal.begin({
    ...{ id, runbook: list, input: null, owns: undefined, autoApprove: [] },
    executor: executor.id,
  })
  const transitions = new Transitions(journal, id, executor.id)
  const now = async () => (await journal.read(id)).steps[0]!
  expect(await transitions.beginRun(step!, 1)).toBe(true)
  // It goes on after a silence before the try of before it has come to its end.
  await adopt(journal, id, executor.id, { isOurs: true })
  expect(await transitions.beginRun(step!, 2)).toBe(true)
  await transitions.tryAgain(step!, 1, interrupted)
  await transitions.fail(step!, 1, interrupted)
  await transitions.complete(step!, 1, 'late')
  expect(await now()).toMatchObject({
    status: 'running',
    attempts: [{ error: { code: 'Interrupted' } }, {}],
  })
  expect((await now()).attempts[1]).not.toHaveProperty('endedAt')
  await transitions.complete(step!, 2, 'in time')
  expect(await now()).toMatchObject({ status: 'completed', output: 'in time' })
})
