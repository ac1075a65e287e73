import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { Execution } from '../../src/runbook/execution.ts'
import { Executions } from '../../src/runbook/executions.ts'
import { StateDatabase } from '../../src/runbook/state-database.ts'
import { latch, scripted } from './scripted-runbook.ts'
import { type StatePostgres, startStatePostgres } from './state-postgres.ts'

let postgres: StatePostgres
let database: StateDatabase
/** Only looks and decides; what executes are processes of their own. */
let executions: Executions
let count = 0
let id: string
let file: string
const children: ChildProcess[] = []

beforeAll(async () => {
  postgres = await startStatePostgres()
})
afterAll(() => postgres.stop())
beforeEach(async () => {
  id = `slow-${++count}`
  file = join(postgres.folder, id)
  database = await StateDatabase.open(postgres.url)
  executions = await Executions.open({ database, runbooks: [], tools: () => ({}) })
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await executions.close()
  await database.close()
})

interface SlowProcess {
  readonly child: ChildProcess
  readonly said: () => string
  readonly ended: Promise<NodeJS.Signals | number | null>
}

/** The step that `holds` names does not end before `letGo`, so that what a test does meanwhile is not too late on any machine. */
function slow(
  mode: 'start' | 'resume' | 'approve',
  o: { stepMs?: number; gate?: boolean; holds?: 'b' } = {},
) {
  const order = { url: postgres.url, file, id, mode, stepMs: 50, ...o }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'slow-process.mjs')], {
    env: { ...process.env, SLOW: JSON.stringify(order) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk
    })
  }
  const ended = new Promise<NodeJS.Signals | number | null>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? code)),
  )
  return { child, said: () => said, ended }
}

const letGo = () => writeFile(`${file}-go`, '')

async function says({ said }: SlowProcess, words: string): Promise<void> {
  await expect.poll(said).toContain(words)
}

/** Until a change of the execution waits for another one to end. */
async function waitsForLock(): Promise<void> {
  const waiting = `select count(*)::int as n from pg_stat_activity
    where wait_event_type = 'Lock' and query like '%runbook.executions where id = $1 for update%'`
  const count = async () => (await database.query<{ n: number }>(waiting))[0]!.n
  await expect.poll(count).toBeGreaterThan(0)
}

const effects = async () => (await readFile(file, 'utf8')).split('\n').filter(Boolean).sort()
const attempts = ({ steps }: Execution) => steps.map((step) => step.attempts.length)

test('killed at a gate it waits on, and who approves goes on with it', async () => {
  const first = slow('start', { gate: true })
  await says(first, 'executes')
  await executions.waitFor(id, ({ status }) => status === 'pendingApproval')
  first.child.kill('SIGKILL')
  expect(await first.ended).toBe('SIGKILL')
  expect((await executions.get(id)).status).toBe('pendingApproval')

  const second = slow('approve', { gate: true })
  expect(await second.ended).toBe(0)
  const ended = await executions.get(id)
  expect(ended).toMatchObject({ status: 'completed', verdict: 'proven' })
  expect(ended.steps[3]?.gate?.approvedBy).toBe('another process')
  expect(await effects()).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(attempts(ended)).toEqual([1, 1, 1, 1, 1])
})

test('while a process executes it, others decide but nobody takes it over', async () => {
  const first = slow('start', { gate: true })
  await says(first, 'executes')
  await executions.waitFor(id, ({ status }) => status === 'pendingApproval')
  await expect(executions.resume(id)).rejects.toMatchObject({ code: 'ExecutionNotWaiting' })
  const second = slow('resume', { gate: true })
  expect(await second.ended).toBe(1)
  expect(second.said()).toContain('ExecutionNotWaiting')

  await executions.approve(id, { by: 'ana' })
  expect(await first.ended).toBe(0)
  expect(attempts(await executions.get(id))).toEqual([1, 1, 1, 1, 1])
})

test('of two processes that take it over at once, one does', async () => {
  const first = slow('start', { holds: 'b' })
  await says(first, 'begin b')
  first.child.kill('SIGKILL')
  await first.ended
  expect((await executions.get(id)).status).toBe('interrupted')

  const both = [slow('resume', { holds: 'b' }), slow('resume', { holds: 'b' })]
  // One cannot end before it is let go, so that the other one always finds it executing.
  const said = () => both.map(({ said }) => said()).join()
  await expect.poll(said).toContain('ExecutionNotWaiting')
  await letGo()
  const codes = await Promise.all(both.map(({ ended }) => ended))
  expect(codes.sort()).toEqual([0, 1])
  const ended = await executions.get(id)
  expect(ended.status).toBe('completed')
  expect(ended.steps[0]?.attempts).toHaveLength(1)
  expect(ended.steps[1]?.attempts).toMatchObject([{ error: { code: 'Interrupted' } }, {}])
})

test('a process that only stands still keeps what it executes', async () => {
  const first = slow('start', { holds: 'b' })
  await says(first, 'begin b')
  first.child.kill('SIGSTOP')
  await letGo()
  await systemClock.sleep(3_000)
  expect((await executions.get(id)).status).toBe('running')
  expect(await slow('resume').ended).toBe(1)
  first.child.kill('SIGCONT')
  expect(await first.ended).toBe(0)
  expect(attempts(await executions.get(id))).toEqual([1, 1, 1, 1, 1])
})

test('a process that stands still in the middle of a change holds nobody up', async () => {
  const first = slow('start', { holds: 'b' })
  await says(first, 'begin b')
  // Its next change waits for this lock, and gets it when the process cannot go on any more.
  await database.transaction(async (query) => {
    await query('select from runbook.executions where id = $1 for update', [id])
    await letGo()
    await waitsForLock()
    first.child.kill('SIGSTOP')
  })
  expect(await slow('resume').ended).toBe(1)
  expect((await executions.get(id)).status).toBe('running')
  first.child.kill('SIGCONT')
  expect(await first.ended).toBe(0)
  const ended = await executions.get(id)
  expect(ended).toMatchObject({ status: 'completed', verdict: 'proven' })
  expect(attempts(ended)).toEqual([1, 1, 1, 1, 1])
  expect(await effects()).toEqual(['a', 'b', 'c', 'd', 'e'])
})

test('from another machine silence counts, and who was taken for dead has no say any more', async () => {
  const first = slow('start', { holds: 'b' })
  await says(first, 'begin b')
  first.child.kill('SIGSTOP')
  await letGo()
  await database.query(
    `update runbook.executors set machine = 'elsewhere', heartbeat_at = now() - interval '1 minute'
     where pid = $1`,
    [first.child.pid],
  )
  expect((await executions.get(id)).status).toBe('interrupted')
  const second = slow('resume', { stepMs: 400 })
  await says(second, 'executes')
  first.child.kill('SIGCONT')
  expect(await second.ended).toBe(0)
  const ended = await executions.get(id)
  expect(ended.status).toBe('completed')
  // It had begun b and c; nothing after them, and it sees how the execution ended as everybody does.
  expect(first.said()).not.toContain('begin d')
  expect(await first.ended).toBe(0)
  expect(ended.steps[3]?.attempts).toHaveLength(1)
  expect((await effects()).filter((line) => line === 'd' || line === 'e')).toEqual(['d', 'e'])
})

test('killed at random moments, again and again, it completes and repeats nothing that was completed', async () => {
  const seeds = [40, 170, 300, 430, 560, 690]
  const done = new Map<string, number>()
  let process = slow('start', { stepMs: 150 })
  for (const ms of seeds) {
    await says(process, 'executes')
    await systemClock.sleep(ms)
    process.child.kill('SIGKILL')
    await process.ended
    const now = await executions.get(id)
    for (const { name, status, attempts: tries } of now.steps) {
      if (status !== 'completed') continue
      expect(done.get(name) ?? tries.length).toBe(tries.length)
      done.set(name, tries.length)
    }
    if (now.status === 'completed') break
    expect(now.status).toBe('interrupted')
    process = slow('resume', { stepMs: 150 })
  }
  await process.ended
  const ended = await executions.get(id)
  expect(ended.status).toBe('completed')
  for (const { name, attempts: tries } of ended.steps) {
    expect(done.get(name) ?? tries.length).toBe(tries.length)
  }
})

test('what a closed process had begun is told to stop, and goes on in the next one', async () => {
  const begun = latch()
  const notes: string[] = []
  let isSecond = false
  const runbooks = [
    scripted(
      {
        first: {},
        long: {
          run: async ({ signal }) => {
            begun.open()
            if (!isSecond) await systemClock.sleep(60_000, signal)
          },
        },
      },
      notes,
    ),
  ]
  const one = await Executions.open({ database, runbooks, tools: () => ({}) })
  await one.start('scripted', {}, { id })
  await begun.opened
  const waiting = one.waitFor(id, 'end')
  await Promise.all([one.close(), expect(waiting).rejects.toThrow('closed')])
  const left = await executions.get(id)
  expect(left).toMatchObject({ status: 'interrupted', verdict: 'unknown' })
  expect(left.steps[1]?.attempts).toMatchObject([{ error: { code: 'Interrupted' } }])

  isSecond = true
  const two = await Executions.open({ database, runbooks, tools: () => ({}) })
  await two.resume(id)
  expect((await two.waitFor(id, 'end')).status).toBe('completed')
  expect(notes).toEqual(['first', 'long'])
  await two.close()
})

test('while the state database is away nothing is lost and nothing is done twice', async () => {
  const process = slow('start', { stepMs: 1_000 })
  await says(process, 'begin b')
  await postgres.cluster.kill()
  await systemClock.sleep(3_000)
  await postgres.cluster.start()
  expect([await process.ended, process.said()]).toEqual([0, expect.stringMatching(/completed\n$/)])
  const ended = await executions.get(id)
  expect(ended.status).toBe('completed')
  expect(attempts(ended)).toEqual([1, 1, 1, 1, 1])
  expect(await effects()).toEqual(['a', 'b', 'c', 'd', 'e'])
})

test('a process that could not be heard for long stops, and goes on when it is heard again', async () => {
  const process = slow('start', { stepMs: 28_000 })
  await says(process, 'begin a')
  await postgres.cluster.kill()
  await systemClock.sleep(25_000)
  await postgres.cluster.start()
  const again = await executions.waitFor(
    id,
    ({ steps }) => steps[0]?.attempts.length === 2 || steps[0]?.status === 'completed',
  )
  expect(again.steps[0]).toMatchObject({
    status: 'running',
    attempts: [{ error: { code: 'Interrupted' } }, {}],
  })
  expect(again.status).toBe('running')
})

test('connections that are cut again and again change nothing', async () => {
  const process = slow('start', { stepMs: 700 })
  await says(process, 'executes')
  let isOver = false
  void process.ended.then(() => {
    isOver = true
  })
  for (let cuts = 0; cuts < 60 && !isOver; cuts++) {
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name like 'lifeboat-%' and pid <> pg_backend_pid() and random() < 0.5`,
    )
    await systemClock.sleep(50)
  }
  expect([await process.ended, process.said()]).toEqual([0, expect.stringMatching(/completed\n$/)])
  const ended = await executions.get(id)
  expect(attempts(ended)).toEqual([1, 1, 1, 1, 1])
  expect(await effects()).toEqual(['a', 'b', 'c', 'd', 'e'])
})

test('closing has an end also while the state database is away', async () => {
  const process = slow('start', { stepMs: 60_000 })
  await says(process, 'begin a')
  await postgres.cluster.kill()
  process.child.kill('SIGTERM')
  await says(process, 'closed')
  // What the engine still retries would keep the process; programs end with process.exit.
  process.child.kill('SIGKILL')
  await process.ended
  await postgres.cluster.start()
  expect((await executions.get(id)).status).toBe('interrupted')
})

/** The engine writes meanwhile, so that one of the two may have to give way to the other. */
async function dropEngine(): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await database.query('drop schema if exists lifeboat_engine cascade')
      return
    } catch (error) {
      const isDeadlock = (error as { code?: string }).code === '40P01'
      if (!isDeadlock || tries === 10) throw error
    }
  }
}

test('when the engine fails, the execution is left in sight and can be resumed', async () => {
  const first = slow('start', { holds: 'b' })
  await says(first, 'begin b')
  await dropEngine()
  await letGo()
  await executions.waitFor(id, ({ status }) => status === 'interrupted')
  const broken = []
  const stop = new AbortController()
  for await (const { kind } of executions.watch(id, stop.signal)) {
    broken.push(kind)
    if (kind === 'broken') stop.abort()
  }
  first.child.kill('SIGKILL')
  const second = slow('resume')
  expect(await second.ended).toBe(0)
  const ended = await executions.get(id)
  expect(ended.status).toBe('completed')
  expect(ended.steps[0]?.attempts).toHaveLength(1)
})

test('looking at executions does not load the engine', async () => {
  const program = `
    import { createRequire } from 'node:module'
    import { Executions } from './dist/src/runbook/executions.js'
    import { StateDatabase } from './dist/src/runbook/state-database.js'
    const database = await StateDatabase.open(process.env.URL_OF_STATE)
    const executions = await Executions.open({ database, runbooks: [], tools: () => ({}) })
    await executions.list()
    await executions.close()
    await database.close()
    const loaded = Object.keys(createRequire(import.meta.url).cache)
    console.log(loaded.filter((path) => path.includes('dbos')).length)`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', program],
    {
      cwd: join(import.meta.dirname, '..', '..'),
      env: { ...process.env, URL_OF_STATE: postgres.url },
    },
  )
  expect(stdout.trim()).toBe('0')
})
