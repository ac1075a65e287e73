// Executes a small plan with a step of the user's own in a process of its own, for a test that kills it.
import { systemClock } from '../../dist/src/core/clock.js'
import { planOf } from '../../dist/src/recovery/recovery.js'
import { Executions } from '../../dist/src/runbook/executions.js'
import { noUndo, runbook } from '../../dist/src/runbook/runbook.js'
import { StateDatabase } from '../../dist/src/runbook/state-database.js'

const { url, id, workload } = JSON.parse(process.env.OWN_STEP)
const step = (title) => ({
  ...{ title, phase: 'execute', deadlineSeconds: 20, onDeadline: 'ask' },
  run: async () => null,
  undo: noUndo('it does nothing'),
})
const small = runbook('data-corruption', { title: 'Small', description: 'for a test' })
  .step('stop-writes', step('Stop'))
  .step('restore', step('Restore'))
  .build()
const database = await StateDatabase.open(url)
const executions = await Executions.open({
  ...{ database, runbooks: [small], plan: planOf },
  tools: () => ({
    ...{ environment: process.env, knownSecrets: [], clock: systemClock },
    journal: (one) => executions.get(one),
  }),
})
await executions.start('data-corruption', { workload }, { id })
