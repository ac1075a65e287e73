// Executes a runbook under a workload's lock in a process of its own, with a state of its own. Prints what it is about.
import { appendFileSync, existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { RegionClient } from '../../dist/src/aws/region-client.js'
import { systemClock } from '../../dist/src/core/clock.js'
import { systemRandom } from '../../dist/src/core/random.js'
import { WorkloadLock } from '../../dist/src/recovery/workload-lock.js'
import { Executions } from '../../dist/src/runbook/executions.js'
import { noUndo, runbook } from '../../dist/src/runbook/runbook.js'
import { StateDatabase } from '../../dist/src/runbook/state-database.js'

const {
  url,
  aws,
  bucket,
  machine,
  id,
  mode,
  takeOver,
  file,
  gate,
  unconditional,
  together,
  untilInterrupted,
  known,
} = JSON.parse(process.env.LOCKED)
const say = (line) => process.stdout.write(`${line}\n`)

/** Each waits until its file is there, so that a test decides when it ends. */
const step = (name, more = {}) => ({
  title: name,
  phase: 'execute',
  deadlineSeconds: 60,
  onDeadline: 'ask',
  run: async ({ signal }) => {
    appendFileSync(file, `${machine} ${name}\n`)
    say(`begin ${name}`)
    while (!existsSync(`${file}.${name}`)) await setTimeout(20, undefined, { signal })
    return null
  },
  undo: noUndo('a line in a file'),
  ...more,
})
const asking = { gate: { kind: 'harm', cost: async () => ['a line'] } }
const slow = runbook('slow', { title: 'Slow', description: 'for a test' })
  .step('a', step('a', gate ? asking : {}))
  .step('b', step('b'))
  .build()

const client = new RegionClient({ ...aws, clock: systemClock })
const { documents } = client
/** What was read is told, and may be written on only when the test has heard it from every machine. */
const read = async (...at) => {
  const found = await documents.read(...at)
  say('read')
  while (together && !existsSync(`${file}.go`)) await setTimeout(5)
  return found
}
const careless = async (inBucket, key, text) => {
  const found = await documents.read(inBucket, key)
  const condition = found ? { etag: found.etag } : 'absent'
  const written = await documents.write(inBucket, key, text, condition)
  return written === 'conflict' ? careless(inBucket, key, text) : written
}
const write = unconditional ? careless : (...what) => documents.write(...what)
const lock = new WorkloadLock({
  documents: { read, write },
  ...{ bucket, prefix: 'locks/', workload: 'shop', leaseSeconds: 8 },
  ...{ clock: systemClock, random: systemRandom },
})
const database = await StateDatabase.open(url)
const executions = await Executions.open({
  ...{ database, runbooks: [slow], tools: () => ({}) },
  lock: { find: async () => lock, user: `user-of-${machine}` },
  onLog: (line) => /lock/.test(line) && say(line),
})
let status = 0
let closing
process.once('SIGTERM', () => {
  closing = executions.close()
})
try {
  const more = takeOver === undefined ? {} : { takeOver }
  if (mode === 'start')
    await executions.start('slow', { from: machine, kept: 1 }, { id, owns: 'shop', ...more })
  const elsewhere = { input: known ?? {}, here: { from: machine } }
  if (mode === 'resume') await executions.resume(id, takeOver ? { ...more, elsewhere } : {})
  if (mode === 'approve') await executions.approve(id, { by: 'ana' })
  say('executes')
  const ended = await executions.waitFor(
    id,
    (now) => untilInterrupted && now.status === 'interrupted',
  )
  say(`status ${ended.status}`)
  say(`input ${JSON.stringify(ended.input)}`)
} catch (error) {
  if (!/closed/.test(error.message)) {
    status = 1
    say(`${error.code}: ${error.message} ${error.hint ?? ''}`)
  }
}
await (closing ?? executions.close())
await database.close()
client.close()
process.exit(status)
