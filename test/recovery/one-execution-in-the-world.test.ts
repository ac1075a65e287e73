import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateBucketCommand,
  DeleteBucketPolicyCommand,
  GetObjectCommand,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { findPostgresBinaries } from '../../src/postgres/binaries.ts'
import { Region } from '../../src/region/region.ts'
import { Executions } from '../../src/runbook/executions.ts'
import { StateDatabase } from '../../src/runbook/state-database.ts'
import { type StatePostgres, startStatePostgres } from '../runbook/state-postgres.ts'

const CREDENTIALS = {
  accessKeyId: 'AKIALIFEBOATTEST0077',
  secretAccessKey: 'lock-tests-sign-with-this-secret-00000000',
}
const REGION = 'us-east-1'

let postgres: StatePostgres
let folder: string
let region: Region
let port: number
let s3: S3Client
let bucket: string
let file: string
let count = 0
const children: ChildProcess[] = []
/** Stand before the region. */
const between: Server[] = []
/** What tests look at beside the processes: the states of two machines. */
const states: Record<string, StateDatabase> = {}

const aws = (at = port) => ({
  region: REGION,
  endpoint: `http://127.0.0.1:${at}`,
  credentials: CREDENTIALS,
})

async function openRegion(at = 0) {
  region = await Region.open({
    ...{ name: REGION, folder: join(folder, 'region'), credentials: CREDENTIALS },
    ...{ clock: systemClock, templates: join(folder, 'templates') },
    binaries: (await findPostgresBinaries({ cache: join(folder, 'postgresql') })).slice(0, 1),
  })
  port = (await region.listen(at)).port
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-lock-'))
  await chmod(folder, 0o711)
  postgres = await startStatePostgres()
  const database = await StateDatabase.open(postgres.url)
  for (const home of ['one', 'two']) {
    await database.query(`create database ${home}`)
    states[home] = await StateDatabase.open(urlOf(home))
  }
  await database.close()
  await openRegion()
  s3 = new S3Client({ ...aws(), forcePathStyle: true })
})
afterAll(async () => {
  s3?.destroy()
  for (const state of Object.values(states)) await state.close()
  await region?.close()
  await postgres?.stop()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  bucket = `locks-${++count}`
  file = join(folder, bucket)
  await writeFile(file, '')
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const server of between.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
  for (const state of Object.values(states)) {
    await state.query('drop schema if exists runbook, lifeboat_engine cascade')
    await state.query('drop table if exists lifeboat.migrations')
  }
})

function urlOf(home: string): string {
  return postgres.url.replace(/postgres$/, home)
}

interface Order {
  readonly mode?: 'start' | 'resume' | 'approve'
  /** Of the execution; by default it is called as its machine. */
  readonly id?: string
  readonly takeOver?: string
  readonly gate?: boolean
  readonly unconditional?: boolean
  /** Nobody writes the lock before every machine has read that it is free. */
  readonly together?: boolean
  readonly untilInterrupted?: boolean
  /** What the machine knows of the input of an execution that it takes over. */
  readonly known?: object
  /** Where it reaches the region; by default there is nothing in between. */
  readonly port?: number
}

/** A Lifeboat of one of the two machines. */
function machine(home: 'one' | 'two', o: Order = {}) {
  const here = { url: urlOf(home), aws: aws(o.port), bucket, file, machine: home }
  const order = { ...here, id: home, mode: 'start', ...o }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'locked-process.mjs')], {
    env: { ...process.env, LOCKED: JSON.stringify(order) },
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
  const says = (words: string) => expect.poll(() => said).toContain(words)
  return { child, ended, says, said: () => said }
}

type Cut = 'nothing' | 'everything' | 'reads' | 'answers to writes'

/** Stands before the region, and keeps from it or from its clients what a test says. */
async function inBetween() {
  let cut: Cut = 'nothing'
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming
    if (cut === 'everything' || (cut === 'reads' && method === 'GET')) return outgoing.destroy()
    const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      if (cut === 'answers to writes' && method === 'PUT') {
        answer.resume()
        outgoing.destroy()
        return
      }
      outgoing.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(outgoing)
    })
    onward.once('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  between.push(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    cut: (what: Cut) => {
      cut = what
    },
  }
}

const finish = (step: string) => writeFile(`${file}.${step}`, '')
const effects = async () => (await readFile(file, 'utf8')).split('\n').filter(Boolean)

async function lockObject() {
  const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'locks/shop.json' }))
  return JSON.parse((await answer.Body?.transformToString()) ?? '')
}

async function events(home: string): Promise<string[]> {
  const rows = await states[home]!.query<{ kind: string; text: string }>(
    'select kind, text from runbook.events order by id',
  )
  return rows.map(({ kind, text }) => `${kind}: ${text}`)
}

/** How an execution came to its lock, as a machine's journal has it. */
async function lockOf(home: 'one' | 'two', id: string) {
  const database = states[home]!
  const executions = await Executions.open({ database, runbooks: [], tools: () => ({}) })
  const { lock } = await executions.get(id)
  await executions.close()
  return lock
}

/** Both start; resolves with what became of them when each executes or was refused. */
async function race(o: Order = {}) {
  const both = [machine('one', { together: true, ...o }), machine('two', { together: true, ...o })]
  await Promise.all(both.map((one) => one.says('read')))
  await finish('go')
  const settled = /executes|Execution\w+:/
  await Promise.all(both.map((one) => expect.poll(one.said).toMatch(settled)))
  return both
}

test('of two machines one wins, and the other is told who, since when and how to take over', async () => {
  const both = await race()
  const winner = both.find((one) => one.said().includes('executes'))!
  const loser = both.find((one) => one !== winner)!
  expect(await loser.ended).toBe(1)
  const name = winner === both[0] ? 'one' : 'two'
  expect(loser.said()).toMatch(
    new RegExp(
      `ExecutionLocked: execution '${name}' of user-of-${name} on ${hostname()} \\(process ${winner.child.pid}\\) has owned 'shop' since \\d{4}-\\S+Z .*--take-over`,
    ),
  )
  await winner.says('begin a')
  await finish('a')
  await finish('b')
  await winner.says('status completed')
  expect(await winner.ended).toBe(0)
  expect(await effects()).toEqual([`${name} a`, `${name} b`])
  expect(await lockObject()).toMatchObject({ state: 'released', generation: 1, execution: name })

  // Released: the other one may, without taking over.
  const next = machine(name === 'one' ? 'two' : 'one')
  expect(await next.ended).toBe(0)
  expect(await lockObject()).toMatchObject({ state: 'released', generation: 2 })
})

test('without the condition both would execute, which this test would see', async () => {
  const both = await race({ unconditional: true })
  await Promise.all(both.map((one) => one.says('begin a')))
  expect(await effects()).toEqual(expect.arrayContaining(['one a', 'two a']))
})

test('kept while it waits at a gate with no process, and still its own when it is approved', async () => {
  const first = machine('one', { gate: true })
  await first.says('executes')
  await expect.poll(() => events('one')).toContainEqual('gateAsked: a line')
  first.child.kill('SIGTERM')
  await first.ended
  expect(await lockObject()).toMatchObject({ state: 'waiting', execution: 'one' })

  await systemClock.sleep(10_000) // longer than a lease
  const other = machine('two')
  expect(await other.ended).toBe(1)
  expect(other.said()).toContain('it waits for a person there')

  const second = machine('one', { mode: 'approve', gate: true })
  await finish('a')
  await finish('b')
  expect([await second.ended, second.said()]).toEqual([0, expect.stringContaining('completed')])
  expect(await effects()).toEqual(['one a', 'one b'])
})

test('a holder that is killed is taken over, for a reason, when its lease has ended', async () => {
  const first = machine('one')
  await first.says('begin a')
  first.child.kill('SIGKILL')
  await first.ended
  const refused = machine('two')
  expect(await refused.ended).toBe(1)
  expect(refused.said()).toContain('ExecutionLocked')

  const second = machine('two', { takeOver: 'its machine burns' })
  await second.says('begin a')
  await finish('a')
  await finish('b')
  expect(await second.ended).toBe(0)
  expect(await events('two')).toContainEqual(
    `tookOver: from 'one' of user-of-one on ${hostname()} by user-of-two: its machine burns`,
  )
  expect(await lockOf('two', 'two')).toMatchObject({
    generation: 2,
    takenOver: { by: 'user-of-two', reason: 'its machine burns', from: { execution: 'one' } },
  })

  // Another execution has had the workload since: the old one does not go on by itself.
  const back = machine('one', { mode: 'resume' })
  expect(await back.ended).toBe(1)
  expect(back.said()).toContain('ExecutionLocked')
  expect(await effects()).toEqual(['one a', 'two a', 'two b'])
})

test('another machine goes on with an execution where it was, and nobody does it again', async () => {
  const first = machine('one')
  await finish('a')
  await first.says('begin b')
  const { copy } = await lockObject()
  // What has begun is known to whoever takes over, so that a one-way step is never taken back.
  expect(copy.attempts).toMatchObject([{ step: 'a' }, { step: 'b', ended_at: null }])
  first.child.kill('SIGKILL')
  await first.ended
  const unknown = machine('two', { mode: 'resume', id: 'one' })
  expect(await unknown.ended).toBe(1)
  expect(unknown.said()).toContain('ExecutionNotFound')

  const theirs = { mode: 'resume', id: 'one', takeOver: 'its machine burns' } as const
  const misled = machine('two', { ...theirs, known: { kept: 2 } })
  expect(await misled.ended).toBe(1)
  expect(misled.said()).toContain("InvalidUsage: execution 'one' began with another kept")
  expect(await lockObject()).toMatchObject({ generation: 1 })

  const second = machine('two', { ...theirs, known: { kept: 1 } })
  await second.says('begin b')
  await finish('b')
  expect([await second.ended, second.said()]).toEqual([0, expect.stringContaining('completed')])
  expect(second.said()).toContain('input {"from":"two","kept":1}')
  expect(await effects()).toEqual(['one a', 'one b', 'two b'])
  const history = await events('two')
  expect(history).toEqual(
    expect.arrayContaining([
      'started: Slow',
      'stepCompleted: a',
      `tookOver: from 'one' of user-of-one on ${hostname()} by user-of-two: its machine burns`,
    ]),
  )
  expect(history.filter((event) => event === 'stepBegan: b')).toHaveLength(2)
  expect(await lockObject()).toMatchObject({ state: 'released', generation: 2 })
  expect((await lockOf('two', 'one'))?.takenOver).toMatchObject({ reason: 'its machine burns' })

  // What the first machine knows is old, whatever it is told.
  for (const takeOver of [undefined, 'it is back']) {
    const back = machine('one', { mode: 'resume', ...(takeOver && { takeOver }) })
    expect(await back.ended).toBe(1)
    expect(back.said()).toMatch(
      takeOver ? /ExecutionNotWaiting.* has ended on / : /ExecutionLocked/,
    )
  }
  expect(await effects()).toEqual(['one a', 'one b', 'two b'])
})

test('an execution goes to another machine that insists, and comes back with all that was done there', async () => {
  const first = machine('one', { untilInterrupted: true })
  await first.says('begin a')
  const second = machine('two', { mode: 'resume', id: 'one', takeOver: 'ours is nearer' })
  await first.says('status interrupted')
  expect(second.said()).not.toContain('begin a')
  await second.says('begin a')
  await finish('a')
  await second.says('begin b')
  second.child.kill('SIGKILL')
  await second.ended

  const back = machine('one', { mode: 'resume', takeOver: 'the other one is gone' })
  await back.says('begin b')
  await finish('b')
  expect([await back.ended, back.said()]).toEqual([0, expect.stringContaining('completed')])
  expect(await effects()).toEqual(['one a', 'two a', 'two b', 'one b'])
})

test('a take-over that dies while it waits can be made again, and takes nothing of what was done', async () => {
  const first = machine('one')
  await finish('a')
  await first.says('begin b')
  first.child.kill('SIGSTOP')
  const { copy, journal } = await lockObject()
  const theirs = { mode: 'resume', id: 'one', takeOver: 'no answer' } as const
  const dying = machine('two', theirs)
  await expect.poll(async () => (await lockObject()).pid).toBe(dying.child.pid)
  dying.child.kill('SIGKILL')
  await dying.ended
  expect(await lockObject()).toMatchObject({ copy, copyOf: journal })
  expect((await lockObject()).journal).not.toBe(journal)

  const second = machine('two', theirs)
  await second.says('begin b')
  expect(await effects()).toEqual(['one a', 'one b', 'two b'])
  await finish('b')
  expect([await second.ended, second.said()]).toEqual([0, expect.stringContaining('completed')])
  expect(await effects()).toEqual(['one a', 'one b', 'two b'])
  expect(await lockObject()).toMatchObject({ state: 'released' })
})

test('a holder that stood still finds out before its next step that it was taken over', async () => {
  const first = machine('one', { untilInterrupted: true })
  await first.says('begin a')
  first.child.kill('SIGSTOP')
  const second = machine('two', { takeOver: 'no answer' })
  await second.says('begin a')
  await finish('a')
  first.child.kill('SIGCONT')
  await first.says('status interrupted')
  await first.ended
  expect(await events('one')).toContainEqual(expect.stringMatching(/^lockLost: .*'two'.*'shop'/))
  await finish('b')
  expect([await second.ended, second.said()]).toEqual([0, expect.stringContaining('completed')])
  expect(await effects()).not.toContain('one b')
})

test('a holder that is still well is stopped before the one that takes over begins', async () => {
  const first = machine('one', { untilInterrupted: true })
  await first.says('begin a')
  const second = machine('two', { takeOver: 'ours is nearer' })
  await first.says('status interrupted')
  expect(second.said()).not.toContain('begin a')
  await second.says('begin a')
  await finish('a')
  await finish('b')
  expect(await second.ended).toBe(0)
  expect(await effects()).toEqual(['one a', 'two a', 'two b'])
})

test('with the region of the lock away, no step begins; back again, it goes on by itself', async () => {
  const first = machine('one')
  await first.says('begin a')
  await region.close()
  await finish('a')
  const other = machine('two')
  expect(await other.ended).toBe(1)
  expect(other.said()).toContain('RegionUnreachable')
  await systemClock.sleep(8_000)
  expect(await effects()).toEqual(['one a'])

  await openRegion(port)
  await first.says('begin b')
  await finish('b')
  expect([await first.ended, first.said()]).toEqual([0, expect.stringContaining('completed')])
  expect(await effects()).toEqual(['one a', 'one b'])
})

/** It does step a until the lock has been silent for too long. */
async function silenced(by: Cut) {
  const { port: before, cut } = await inBetween()
  const first = machine('one', { port: before })
  await first.says('begin a')
  cut(by)
  const silent = expect.stringContaining('lockSilent: ')
  await expect.poll(() => events('one'), { timeout: 30_000 }).toContainEqual(silent)
  return { cut, first }
}

async function goesOn(first: ReturnType<typeof machine>) {
  await finish('a')
  await first.says('begin b')
  await finish('b')
  expect([await first.ended, first.said()]).toEqual([0, expect.stringContaining('completed')])
  expect(await effects()).toEqual(['one a', 'one a', 'one b'])
  expect(await lockObject()).toMatchObject({ state: 'released', execution: 'one' })
}

test('a renewal that was written and not answered is no loss, whatever has happened since', async () => {
  const { cut, first } = await silenced('answers to writes')
  expect((await lockObject()).renewal).toBeGreaterThan(0)
  cut('nothing')
  await goesOn(first)
})

test('what cannot go on yet when the lock is heard of again tries on by itself', async () => {
  const { cut, first } = await silenced('everything')
  cut('reads')
  await first.says('one cannot go on yet: ')
  cut('nothing')
  await goesOn(first)
})

test('a lock that may not be written any more says so, and goes on when it may', async () => {
  const first = machine('one')
  await first.says('begin a')
  const statement = { Effect: 'Deny', Principal: '*', Action: 's3:PutObject' }
  const Statement = [{ ...statement, Resource: `arn:aws:s3:::${bucket}/*` }]
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
  await s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
  const refused = expect.stringMatching(
    /^lockSilent: .* could not be renewed in time: .*AccessDenied/,
  )
  await expect.poll(() => events('one'), { timeout: 30_000 }).toContainEqual(refused)
  await s3.send(new DeleteBucketPolicyCommand({ Bucket: bucket }))
  await goesOn(first)
})
