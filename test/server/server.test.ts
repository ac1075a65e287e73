import { execFile } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ExecutionsApi } from '../../src/runbook/execution.ts'
import { Executions } from '../../src/runbook/executions.ts'
import { StateDatabase } from '../../src/runbook/state-database.ts'
import { connectToServer } from '../../src/server/client.ts'
import { type RunningServer, startServer } from '../../src/server/server.ts'
import { latch, scripted } from '../runbook/scripted-runbook.ts'
import { type StatePostgres, startStatePostgres } from '../runbook/state-postgres.ts'

let postgres: StatePostgres
let database: StateDatabase
let executions: Executions
let server: RunningServer
let client: ExecutionsApi
let home: string
let isMended = false
let go = latch()

const RUNBOOK = scripted({
  first: { undo: async () => undefined },
  broken: {
    run: async ({ progress }) => {
      if (!isMended) throw new Error('it was told to fail')
      progress('half', 0.5)
      await go.opened
    },
  },
  stop: { gate: 'harm', cost: async () => ['2 orders a second'] },
})

beforeAll(async () => {
  postgres = await startStatePostgres()
  home = join(postgres.folder, 'home')
  database = await StateDatabase.open(postgres.url)
  executions = await Executions.open({ database, runbooks: [RUNBOOK], tools: () => ({}) })
  server = await startServer({ executions, home })
  client = (await connectToServer(home))!
})
afterAll(async () => {
  await server.close()
  await executions.close()
  await database.close()
  await postgres.stop()
})

test('a client answers as the executions themselves do', async () => {
  isMended = false
  go = latch()
  const id = await client.start('scripted', { n: 1 }, { owns: 'shop', autoApprove: ['oneWay'] })
  const paused = await client.waitFor(id, ({ status }) => status === 'pausedByFailedStep')
  expect(paused).toEqual(await executions.get(id))
  await client.pause(id)
  isMended = true
  await client.retry(id)
  expect((await client.get(id)).status).toBe('pausedByOperator')
  await client.resume(id)
  const running = await client.waitFor(id, ({ steps }) => steps[1]?.progress !== undefined)
  expect(running).toEqual(await executions.get(id))
  go.open()
  const asked = await client.waitFor(id, ({ status }) => status === 'pendingApproval')
  expect(asked).toEqual(await executions.get(id))
  await client.approve(id, { by: 'ana', step: 'stop' })
  const ended = await client.waitFor(id, 'end')
  expect(ended).toEqual(await executions.get(id))
  expect(await client.list()).toEqual(await executions.list())

  const events = []
  for await (const event of client.watch(id)) events.push(event)
  const own = []
  for await (const event of executions.watch(id)) own.push(event)
  expect(events).toEqual(own)
})

test('events come as they happen, until nobody listens any more', async () => {
  isMended = true
  go = latch()
  const id = await client.start('scripted', {})
  const enough = new AbortController()
  const kinds: string[] = []
  for await (const { kind } of client.watch(id, enough.signal)) {
    kinds.push(kind)
    if (kind === 'stepCompleted') enough.abort()
  }
  expect(kinds.slice(0, 3)).toEqual(['started', 'stepBegan', 'stepCompleted'])
  await client.cancel(id, { by: 'ana' })
  go.open()
  const ended = await client.waitFor(id, 'end')
  expect(ended.steps[0]).toMatchObject({ status: 'undone', undoAttempts: [{}] })
  expect(ended).toEqual(await executions.get(id))
})

test('a refusal keeps its code, words and hint', async () => {
  await expect(client.start('nope', {})).rejects.toMatchObject({
    name: 'LifeboatError',
    code: 'RunbookNotFound',
    message: "there is no runbook 'nope'",
    hint: 'Choose one of: scripted.',
  })
  await expect(client.get('a/b?c')).rejects.toMatchObject({ code: 'ExecutionNotFound' })
  await expect(client.skip('nope', { by: 'ana', reason: 'why' })).rejects.toMatchObject({
    code: 'ExecutionNotFound',
  })
  for await (const _ of { [Symbol.asyncIterator]: () => watching('nope') }) expect.unreachable()
})

async function* watching(id: string) {
  await expect(client.watch(id)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: 'ExecutionNotFound',
  })
  yield* []
}

test('the home says how to reach the server, to its owner only', async () => {
  const file = join(home, 'server.json')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
    process: { pid: process.pid },
    port: server.port,
  })
  await expect(startServer({ executions, home })).rejects.toMatchObject({ code: 'AlreadyRunning' })
})

test('nobody else is answered', async () => {
  const { token } = JSON.parse(await readFile(join(home, 'server.json'), 'utf8'))
  const authorization = `Bearer ${token}`
  const host = `127.0.0.1:${server.port}`
  const list = (headers: Record<string, string>) => ask('GET', '/executions', headers)

  expect((await list({ host, authorization })).status).toBe(200)
  expect((await list({ host: `localhost:${server.port}`, authorization })).status).toBe(200)
  expect((await list({ host })).status).toBe(401)
  expect((await list({ host, authorization: 'Bearer ' })).status).toBe(401)
  expect((await list({ host, authorization: `${authorization}0` })).status).toBe(401)
  expect((await list({ host, authorization: token })).status).toBe(401)
  expect((await list({ host: 'evil.example', authorization })).status).toBe(421)
  expect((await list({ host: `evil.example:${server.port}`, authorization })).status).toBe(421)
  expect((await list({ host, authorization, origin: 'https://evil.example' })).status).toBe(403)
  expect((await list({ host, authorization, origin: 'null' })).status).toBe(403)
  const refused = await list({ host, authorization: 'Bearer wrong' })
  expect(refused.body).not.toContain(token)
})

test('bodies are bounded, of one kind, and as they must be', async () => {
  const { token } = JSON.parse(await readFile(join(home, 'server.json'), 'utf8'))
  const headers = {
    host: `127.0.0.1:${server.port}`,
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
  }
  const post = (body: string, more: Record<string, string> = {}) =>
    ask('POST', '/executions', { ...headers, ...more }, body)
  const before = (await executions.list()).length

  expect((await post(JSON.stringify({ runbook: 'x'.repeat(2 ** 21) }))).status).toBe(413)
  expect((await post('{"runbook":')).body).toContain('the body is not JSON')
  expect((await post('{"runbook":"scripted"}')).status).toBe(400)
  expect((await post('{"runbook":"scripted","input":{},"autoApprove":["all"]}')).status).toBe(400)
  expect((await post('{"runbook":"scripted","input":{},"x":1}')).status).toBe(400)
  expect((await post('{}', { 'content-type': 'text/plain' })).status).toBe(400)
  expect((await ask('POST', '/executions/nope/approve', headers, '{"by":""}')).status).toBe(400)
  expect((await ask('DELETE', '/executions', headers)).status).toBe(404)
  const leak = '{"runbook":"scripted","input":{"password":"canary-8"}}'
  const answer = await post(leak)
  expect(answer.status).toBe(500)
  expect(answer.body).not.toContain('canary-8')
  expect((await executions.list()).length).toBe(before)
})

test('a file that a killed server left behind leads nowhere', async () => {
  const other = join(postgres.folder, 'other-home')
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', 'console.log(process.pid)'])
  const first = await startServer({ executions, home: other })
  const file = join(other, 'server.json')
  const content = JSON.parse(await readFile(file, 'utf8'))
  await first.close()
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await connectToServer(other)).toBeUndefined()

  for (const left of [
    // Its process is gone; its number went to another process; it runs, but does not listen; no file of ours.
    { ...content, process: { ...content.process, pid: Number(stdout) } },
    { ...content, process: { ...content.process, startedTicks: 1 } },
    content,
    { ...content, port: server.port },
  ]) {
    await writeFile(file, JSON.stringify(left))
    expect(await connectToServer(other)).toBeUndefined()
  }
  await writeFile(file, '{"half')
  expect(await connectToServer(other)).toBeUndefined()
  const second = await startServer({ executions, home: other })
  expect(await connectToServer(other)).toBeDefined()
  await second.close()
})

test('a server that went away is said to be away', async () => {
  const other = join(postgres.folder, 'third-home')
  const short = await startServer({ executions, home: other })
  const reached = (await connectToServer(other))!
  await short.close()
  await expect(reached.list()).rejects.toMatchObject({ code: 'StateUnreachable' })
})

function ask(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const at = { host: '127.0.0.1', port: server.port, agent: false }
    const asking = request({ ...at, method, path, headers })
    asking.on('response', (answer) => {
      let text = ''
      answer.on('data', (chunk) => {
        text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode!, body: text }))
    })
    asking.on('error', reject)
    asking.end(body)
  })
}
