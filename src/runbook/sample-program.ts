import { Executions } from './executions.ts'
import { type SampleInput, sampleRunbook } from './sample-runbook.ts'
import { StateDatabase } from './state-database.ts'

/** Runs the sample runbook in a process of its own, so that tests can kill it: `start` or `resume`, then wait for the end. */
const { url, id, input, mode } = JSON.parse(process.env.SAMPLE ?? '{}') as {
  url: string
  id: string
  input: SampleInput
  mode: 'start' | 'resume'
}
const database = await StateDatabase.open(url)
const executions = await Executions.open({ database, runbooks: [sampleRunbook], tools: () => ({}) })
if (mode === 'start') {
  await executions.start('sample', { ...input }, { id, autoApprove: ['harm', 'oneWay'] })
} else {
  await executions.waitFor(id, ({ status }) => status === 'interrupted')
  await executions.resume(id)
}
const { status } = await executions.waitFor(id, 'end')
process.stdout.write(status)
await executions.close()
await database.close()
