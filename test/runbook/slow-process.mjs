// Executes a slow runbook in a process of its own, for tests that stop, kill and outlive it. Prints what it is about.
import { appendFileSync, existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { Executions } from '../../dist/src/runbook/executions.js'
import { noUndo, runbook } from '../../dist/src/runbook/runbook.js'
import { StateDatabase } from '../../dist/src/runbook/state-database.js'

const { url, file, id, mode, stepMs, gate, holds } = JSON.parse(process.env.SLOW)

function step(name, more = {}) {
  return {
    title: name,
    phase: 'execute',
    deadlineSeconds: 60,
    onDeadline: 'ask',
    run: async ({ signal }) => {
      process.stdout.write(`begin ${name}\n`)
      await setTimeout(stepMs, undefined, { signal })
      while (name === holds && !existsSync(`${file}-go`)) {
        await setTimeout(20, undefined, { signal })
      }
      appendFileSync(file, `${name}\n`, { flush: true })
      return { name }
    },
    undo: noUndo('a line in a file'),
    ...more,
  }
}

const asking = { gate: { kind: 'harm', cost: async () => ['a line'] } }
const slow = runbook('slow', { title: 'Slow', description: 'for a test' })
  .step('a', step('a'))
  .step('b', step('b'))
  .step('c', step('c', { after: ['a'] }))
  .step('d', step('d', { after: ['b', 'c'], ...(gate && asking) }))
  .step('e', step('e'))
  .build()

const database = await StateDatabase.open(url)
const executions = await Executions.open({ database, runbooks: [slow], tools: () => ({}) })
if (mode === 'start') await executions.start('slow', {}, { id, owns: id })
if (mode === 'resume') await executions.resume(id)
if (mode === 'approve') await executions.approve(id, { by: 'another process' })
process.stdout.write('executes\n')
process.once('SIGTERM', async () => {
  await executions.close()
  await database.close()
  process.stdout.write('closed\n')
})
try {
  const { status } = await executions.waitFor(id, 'end')
  process.stdout.write(`${status}\n`)
  await executions.close()
  await database.close()
} catch (error) {
  if (!/closed/.test(error.message)) throw error
}
