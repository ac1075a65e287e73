import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import { thisExecutor } from '../../src/runbook/executor.ts'
import { Journal } from '../../src/runbook/journal.ts'
import { sampleRunbook } from '../../src/runbook/sample-runbook.ts'
import { stateForTests } from './state-postgres.ts'

const state = stateForTests()

test('a step that tells how far it is never stands in the way of what is recorded about it', async () => {
  const journal = await Journal.open(state(), systemClock)
  const executor = thisExecutor(systemRandom)
  await journal.heartbeat(executor)
  const id = 'busy'
  const began = { id, runbook: sampleRunbook, input: null, owns: undefined, autoApprove: [] }
  await journal.begin({ ...began, executor: executor.id })
  const record = () =>
    journal.change(id, (_, edit) => edit.step('first', { status: 'running' }), executor.id)
  await record()

  for (let round = 0; round < 50; round++) {
    const tell = (n: number) => journal.progress(id, executor.id, 'first', { message: `${n}` })
    await Promise.all([tell(1), record(), tell(2), record(), tell(round)])
  }
  const { steps } = await journal.read(id)
  expect(steps[0]).toMatchObject({ name: 'first', status: 'running' })
  expect(steps[0]?.progress?.message).toMatch(/^\d+$/)
})

test('what a process says that no longer executes changes nothing', async () => {
  const journal = await Journal.open(state(), systemClock)
  await journal.progress('busy', 'somebody else', 'first', { message: 'from the past' })
  const { steps } = await journal.read('busy')
  expect(steps[0]?.progress?.message).toMatch(/^\d+$/)
})
