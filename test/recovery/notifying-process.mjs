// Executes a slow runbook and tells people of it in a process of its own, for a test that kills it.
import { systemClock } from '../../dist/src/core/clock.js'
import { notifierOf } from '../../dist/src/recovery/recovery.js'
import { Executions } from '../../dist/src/runbook/executions.js'
import { noUndo, runbook } from '../../dist/src/runbook/runbook.js'
import { StateDatabase } from '../../dist/src/runbook/state-database.js'

const { url, id, workload } = JSON.parse(process.env.NOTIFYING)
const scripted = runbook('scripted', { title: 'Scripted', description: 'for a test' })
  .step('first', {
    ...{ title: 'Do first', phase: 'execute', deadlineSeconds: 60, onDeadline: 'ask' },
    run: () => new Promise(() => undefined),
    undo: noUndo('it does nothing'),
  })
  .build()
const database = await StateDatabase.open(url)
const executions = await Executions.open({
  ...{ database, runbooks: [scripted], tools: () => ({}) },
  onExecute: (one) => notifier.follow(one),
})
const environment = (name) => process.env[name]
const reach = () => Promise.reject(new Error('no region is asked'))
const telling = { database, clock: systemClock, environment, reach }
const notifier = notifierOf(telling, executions, () => undefined)
await executions.start('scripted', { workload }, { id })
