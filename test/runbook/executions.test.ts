import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { entryPoint } from '../../src/core/entry-point.ts'
import { findPostgresBinaries } from '../../src/postgres/binaries.ts'
import { Cluster } from '../../src/postgres/cluster.ts'
import { Executions } from '../../src/runbook/executions.ts'
import { type SampleInput, sampleRunbook } from '../../src/runbook/sample-runbook.ts'
import { StateDatabase } from '../../src/runbook/state-database.ts'

let folder: string
let cluster: Cluster
let url: string
let database: StateDatabase
let executions: Executions
let file: string
let count = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-runbook-'))
  await chmod(folder, 0o711)
  const [binaries] = await findPostgresBinaries({ cache: join(folder, 'postgresql') })
  cluster = await Cluster.create({
    dataDirectory: join(folder, 'state', 'data'),
    templates: join(folder, 'templates'),
    binaries: binaries!,
    superuser: { name: 'lifeboat', password: 'secret' },
  })
  await cluster.start()
  url = `postgres://lifeboat:secret@127.0.0.1:${cluster.port}/postgres`
})
afterAll(async () => {
  await cluster.stop()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  file = join(folder, `effects-${++count}`)
  database = await StateDatabase.open(url)
  executions = await Executions.open({ database, runbooks: [sampleRunbook], tools: () => ({}) })
})
afterEach(async () => {
  await executions.close()
  await database.close()
})

const lines = async () => (await readFile(file, 'utf8')).split('\n').filter(Boolean)
const all = { autoApprove: ['harm', 'oneWay'] as const }

test('runs every step once, in an order that its dependencies allow', async () => {
  const id = await executions.start('sample', { file }, all)
  const { status, verdict, steps } = await executions.waitFor(id, 'end')
  expect([status, verdict]).toEqual(['completed', 'proven'])
  const order = await lines()
  expect([...order].sort()).toEqual(['check', 'first', 'last', 'left', 'right'])
  expect(order[0]).toBe('first')
  expect(order.slice(3)).toEqual(['check', 'last'])
  expect(steps.map(({ attempts }) => attempts.length)).toEqual([1, 1, 1, 1, 1])
})

test('a gate waits, shows its cost, and opens when approved', async () => {
  const id = await executions.start('sample', { file })
  const asked = await executions.waitFor(
    id,
    ({ status, steps }) => status === 'pendingApproval' && steps[2]?.status === 'completed',
  )
  expect(asked.steps.find(({ name }) => name === 'left')?.gate).toMatchObject({
    kind: 'harm',
    cost: ['one line'],
  })
  expect(await lines()).not.toContain('left')
  await executions.approve(id, { by: 'ana' })
  await executions.waitFor(id, ({ steps }) => steps[4]?.status === 'pendingApproval')
  expect(await lines()).not.toContain('last')
  await executions.approve(id, { by: 'bo' })
  const ended = await executions.waitFor(id, 'end')
  expect(ended.steps[4]?.gate?.approvedBy).toBe('bo')
  await expect(executions.approve(id, { by: 'ana' })).rejects.toMatchObject({
    code: 'ExecutionNotWaiting',
  })
})

test('a failed step pauses; retry goes on where it was', async () => {
  const id = await executions.start('sample', { file, failing: ['right'] }, all)
  const paused = await executions.waitFor(id, ({ status }) => status === 'pausedByFailedStep')
  expect(paused.steps.find(({ name }) => name === 'right')?.attempts[0]?.error?.code).toBe(
    'RestoreNotVerified',
  )
  expect(await lines()).not.toContain('check')
  await writeFile(file, `${await readFile(file, 'utf8')}mended right\n`)
  await executions.retry(id)
  expect((await executions.waitFor(id, 'end')).verdict).toBe('proven')
})

test('a skipped step leaves the execution unproven, with the reason on record', async () => {
  const id = await executions.start('sample', { file, failing: ['right'] }, all)
  await executions.waitFor(id, ({ status }) => status === 'pausedByFailedStep')
  await executions.skip(id, { reason: 'done by hand', by: 'ana' })
  const { status, verdict, steps } = await executions.waitFor(id, 'end')
  expect([status, verdict]).toEqual(['completedWithSkips', 'unproven'])
  expect(steps.find(({ name }) => name === 'right')?.reason).toContain('done by hand')
})

test('cancel before the one-way step undoes what was done, newest first', async () => {
  const id = await executions.start('sample', { file }, { autoApprove: ['harm'] })
  await executions.waitFor(
    id,
    ({ status, steps }) => status === 'pendingApproval' && steps[3]?.status === 'completed',
  )
  await executions.cancel(id, { by: 'ana' })
  const { status, verdict } = await executions.waitFor(id, 'end')
  expect([status, verdict]).toEqual(['canceled', 'unproven'])
  const undone = (await lines()).filter((line) => line.startsWith('undid'))
  expect(undone.sort()).toEqual(['undid first', 'undid left', 'undid right'])
  expect((await lines()).at(-1)).toBe('undid first')
  expect(await lines()).not.toContain('last')
})

test('after the one-way step has begun there is no cancel', async () => {
  const id = await executions.start('sample', { file, failing: ['last'] }, all)
  await executions.waitFor(id, ({ status }) => status === 'pausedByFailedStep')
  await expect(executions.cancel(id, { by: 'ana' })).rejects.toMatchObject({
    code: 'ExecutionNotWaiting',
  })
  expect((await lines()).some((line) => line.startsWith('undid'))).toBe(false)
})

test('a pause holds back what has not begun', async () => {
  const id = await executions.start('sample', { file })
  await executions.waitFor(
    id,
    ({ status, steps }) => status === 'pendingApproval' && steps[2]?.status === 'completed',
  )
  await executions.pause(id)
  await executions.approve(id, { by: 'ana' })
  expect((await executions.get(id)).status).toBe('pausedByOperator')
  expect(await lines()).not.toContain('left')
  await executions.resume(id)
  await executions.waitFor(id, ({ steps }) => steps[1]?.status === 'completed')
})

test('one execution owns a workload; the other is told who holds it', async () => {
  const id = await executions.start('sample', { file }, { owns: `shop-${count}` })
  await expect(
    executions.start('sample', { file: `${file}-other` }, { owns: `shop-${count}` }),
  ).rejects.toMatchObject({ code: 'ExecutionAlreadyRunning', message: expect.stringContaining(id) })
  await executions.cancel(id, { by: 'ana' })
  await executions.waitFor(id, 'end')
  const next = await executions.start('sample', { file }, { ...all, owns: `shop-${count}` })
  expect((await executions.waitFor(next, 'end')).status).toBe('completed')
})

const places = sampleRunbook.steps.flatMap(({ name }) => [`before ${name}`, `after ${name}`])
describe.each(places)('killed %s', (killAt) => {
  test('resume finishes with each effect once', async () => {
    const id = `killed-${killAt.replace(' ', '-')}`
    const killed = await runProgram({ id, input: { file, killAt }, mode: 'start' })
    expect(killed.signal).toBe('SIGKILL')
    const before = await executions.get(id)
    expect(before.endedAt).toBeUndefined()

    const resumed = await runProgram({ id, input: { file, killAt }, mode: 'resume' })
    expect(resumed).toMatchObject({ signal: null, stdout: 'completed' })
    const effects = (await lines()).filter((line) => !line.startsWith('killed'))
    expect(effects.sort()).toEqual(['check', 'first', 'last', 'left', 'right'])
    const after = await executions.get(id)
    for (const step of before.steps.filter(({ status }) => status === 'completed')) {
      const again = after.steps.find(({ name }) => name === step.name)
      expect(again?.attempts).toHaveLength(step.attempts.length)
    }
  })
})

function runProgram(sample: { id: string; input: SampleInput; mode: 'start' | 'resume' }) {
  const program = fileURLToPath(entryPoint(import.meta.url, '../../src/runbook/sample-program.ts'))
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, SAMPLE: JSON.stringify({ ...sample, url }) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  return new Promise<{ signal: NodeJS.Signals | null; stdout: string }>((resolve) =>
    child.once('close', (_, signal) => resolve({ signal, stdout })),
  )
}
