import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { planOf } from '../../src/recovery/recovery.ts'
import type { Workload } from '../../src/recovery/workload.ts'
import { parseWorkload } from '../../src/recovery/workload-file.ts'
import type { Execution } from '../../src/runbook/execution.ts'
import { Executions } from '../../src/runbook/executions.ts'
import { StateDatabase } from '../../src/runbook/state-database.ts'
import { scripted } from '../runbook/scripted-runbook.ts'
import { type StatePostgres, startStatePostgres } from '../runbook/state-postgres.ts'

let postgres: StatePostgres
let database: StateDatabase
let executions: Executions
let folder: string
const environment = { PATH: process.env.PATH, SHOP_TOKEN: 'canary-token-9921', OTHER: 'x' }
beforeAll(async () => {
  postgres = await startStatePostgres()
  database = await StateDatabase.open(postgres.url)
  executions = await Executions.open({
    database,
    runbooks: [{ ...scripted({ 'stop-writes': {}, restore: {} }), name: 'data-corruption' }],
    plan: planOf,
    tools: () => ({
      ...{ environment, knownSecrets: [environment.SHOP_TOKEN], clock: systemClock },
      journal: (id: string) => executions.get(id),
    }),
  })
})
afterAll(async () => {
  await executions.close()
  await database.close()
  await postgres.stop()
})
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-own-steps-'))
  return () => rmSync(folder, { recursive: true, force: true })
})

const workload = (steps: string): Workload =>
  parseWorkload(`
workload: shop
objectives: { rto: 15m, rpo: 5m }
regions: { primary: ap-southeast-1 }
database: { instance: shop-db, secret: shop/database }
checks: [{ name: one, sql: select 1, expect: 1 }]
steps:
${steps}`)

const own = (name: string, more: string) =>
  `  - { name: ${name}, runbook: data-corruption, after: stop-writes, owner: payments, deadline: 20s, ${more} }\n`
const shell = (script: string) => `command: [sh, -c, ${JSON.stringify(script)}]`
const start = (steps: string) =>
  executions.start('data-corruption', { workload: workload(steps) } as never)
const stepOf = ({ steps }: Execution, name: string) => steps.find((step) => step.name === name)!
const lines = (file: string) => readFileSync(join(folder, file), 'utf8').trim().split('\n')
const isPaused = ({ status }: Execution) => status === 'pausedByFailedStep'
const isAsking = ({ status }: Execution) => status === 'pendingApproval'
const errorOf = (execution: Execution, name: string) =>
  stepOf(execution, name).attempts.at(-1)?.error

test('a command runs in its place with the facts, and is green only when its check holds', async () => {
  const id = await start(
    own(
      'drain',
      `${shell(`env > ${folder}/facts`)}, check: { ${shell(`echo try >> ${folder}/tries; test $(wc -l < ${folder}/tries) -ge 2`)} }`,
    ),
  )
  const execution = await executions.waitFor(id, 'end')
  expect(execution).toMatchObject({ status: 'completed', verdict: 'proven' })
  expect(execution.steps.map(({ name }) => name)).toEqual(['stop-writes', 'drain', 'restore'])
  expect(stepOf(execution, 'drain').output).toEqual({ reached: 'checked' })
  const began = (name: string) => Number(stepOf(execution, name).attempts[0]!.startedAt)
  expect(began('restore')).toBeGreaterThanOrEqual(
    Number(stepOf(execution, 'drain').attempts[0]!.endedAt),
  )
  expect(lines('tries').length).toBe(2)
  const facts = lines('facts')
  for (const fact of [
    `LIFEBOAT_EXECUTION=${id}`,
    'LIFEBOAT_STEP=drain',
    'LIFEBOAT_REGION=ap-southeast-1',
    'LIFEBOAT_PURPOSE=run',
  ]) {
    expect(facts).toContain(fact)
  }
  expect(facts.join()).not.toMatch(/canary|OTHER/)
})

test('what nothing checks is unknown, and the execution is not proven', async () => {
  const id = await start(own('drain', shell('true')))
  const execution = await executions.waitFor(id, 'end')
  expect(execution).toMatchObject({ status: 'completed', verdict: 'unproven' })
  expect(stepOf(execution, 'drain')).toMatchObject({
    output: { reached: 'unknown' },
    unproven: 'nothing checks what it has reached',
  })
})

test('a failing command shows the end of what it said, without known secrets', async () => {
  const id = await start(
    own(
      'drain',
      `pass: [SHOP_TOKEN], ${shell('head -c 300000 /dev/zero | tr "\\\\0" x; echo; echo token $SHOP_TOKEN >&2; exit 3')}`,
    ),
  )
  const execution = await executions.waitFor(id, isPaused)
  const { message = '', hint } = errorOf(execution, 'drain') ?? {}
  expect(message).toMatch(/^'drain': 'sh' ended with 3: x+\ntoken …$/)
  expect(message.length).toBeLessThan(5_000)
  expect(hint).toBe('Ask payments.')
  expect(stepOf(execution, 'restore').status).toBe('notStarted')
  await executions.cancel(id, { by: 'a test' })
  await executions.waitFor(id, 'end')
})

test('a check that never holds ends at the deadline, and says what it saw', async () => {
  const id = await start(
    own('drain', `${shell('true')}, check: { ${shell('echo 7 left; false')} }`).replace(
      '20s',
      '3s',
    ),
  )
  const execution = await executions.waitFor(id, isPaused)
  expect(errorOf(execution, 'drain')).toMatchObject({
    code: 'StepDeadlineExceeded',
    message: "'drain' was not done in time: its check does not hold: 'sh' ended with 1: 7 left",
  })
  await executions.cancel(id, { by: 'a test' })
  await executions.waitFor(id, 'end')
})

test('a person is asked for what only a person can do, and undo takes back what was done', async () => {
  const id = await start(
    own('scale', `${shell('true')}, undo: { ${shell(`echo back >> ${folder}/undone`)} }`) +
      own('call', 'manual: Call the bank'),
  )
  const asking = await executions.waitFor(id, isAsking)
  expect(stepOf(asking, 'call').gate).toMatchObject({
    kind: 'manual',
    cost: ['Call the bank', 'payments knows about it'],
  })
  expect(stepOf(asking, 'scale').status).toBe('completed')
  await executions.cancel(id, { by: 'a test' })
  expect((await executions.waitFor(id, 'end')).status).toBe('canceled')
  expect(lines('undone')).toEqual(['back'])
  const again = await start(own('call', 'manual: Call the bank'))
  await executions.waitFor(again, isAsking)
  await executions.approve(again, { by: 'Ada', step: 'call' })
  const done = await executions.waitFor(again, 'end')
  expect(done).toMatchObject({ status: 'completed', verdict: 'unproven' })
  expect(stepOf(done, 'call').output).toEqual({ reached: 'attested' })
})

test.each([
  ['false', 'a person is asked', 1],
  ['true', 'it runs again, alone', 2],
])('killed in a command with idempotent: %s, %s', async (idempotent, _, runs) => {
  const id = `own-${idempotent}-${systemClock.now().getTime()}`
  const script = `echo $$ >> ${folder}/runs; test $(wc -l < ${folder}/runs) -ge 2 || exec sleep 60`
  const steps = own('drain', `idempotent: ${idempotent}, ${shell(script)}`)
  const child = executeElsewhere({ url: postgres.url, id, workload: workload(steps) })
  children.push(child)
  await until(() => countRuns() === 1)
  child.kill('SIGKILL')
  await once(child, 'close')
  await executions.resume(id)
  if (idempotent === 'false') {
    const paused = await executions.waitFor(id, isPaused)
    expect(errorOf(paused, 'drain')?.message).toMatch(
      /^'drain' was begun and still runs as process \d+, and it is not known what it has done/,
    )
  } else {
    expect((await executions.waitFor(id, 'end')).status).toBe('completed')
  }
  expect(countRuns()).toBe(runs)
  if (idempotent === 'true') expect(isRunning(Number(lines('runs')[0]))).toBe(false)
  if (idempotent === 'true') return
  // Whoever says retry has looked.
  await executions.retry(id)
  expect((await executions.waitFor(id, 'end')).status).toBe('completed')
  expect(countRuns()).toBe(2)
})

function executeElsewhere(order: object): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, 'own-step-process.mjs')], {
    env: { ...process.env, OWN_STEP: JSON.stringify(order) },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
}

function countRuns(): number {
  try {
    return lines('runs').length
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}

function isRunning(pid: number): boolean {
  try {
    return !/^\S+ \S+ Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function until(condition: () => boolean) {
  const deadline = systemClock.monotonicMs() + 60_000
  while (!condition()) {
    if (systemClock.monotonicMs() > deadline) throw new Error('it did not come about in a minute')
    await systemClock.sleep(20)
  }
}
