import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { freePort } from '../../src/postgres/free-port.ts'
import { whoWasTold } from '../../src/recovery/notifications/told.ts'
import type { Update, UpdateDelivery } from '../../src/recovery/notifications/updates.ts'
import { listUpdates, notifierOf, sendUpdate, watchNoticesOf } from '../../src/recovery/recovery.ts'
import { parseWorkload } from '../../src/recovery/workload-file.ts'
import { Executions } from '../../src/runbook/executions.ts'
import { StateDatabase } from '../../src/runbook/state-database.ts'
import { latch, type Script, scripted } from '../runbook/scripted-runbook.ts'
import { type StatePostgres, startStatePostgres } from '../runbook/state-postgres.ts'
import { listenForMail, listenForPosts, type MailTarget, type PostTarget } from './listeners.ts'

let postgres: StatePostgres
let database: StateDatabase
let posts: PostTarget
let mails: MailTarget
beforeAll(async () => {
  postgres = await startStatePostgres()
  database = await StateDatabase.open(postgres.url)
  await listUpdates(database, 'nobody')
  posts = await listenForPosts()
  mails = await listenForMail({ user: 'lifeboat', password: 'canary-mail-71aa' })
})
afterAll(async () => {
  await posts.stop()
  await mails.stop()
  await database.close()
  await postgres.stop()
})

const SECRETS: Readonly<Record<string, string>> = {
  KEY: 'canary-key-5d0c',
  MAIL: 'canary-mail-71aa',
}
const environment = (name: string) =>
  name === 'SLACK' ? `${posts.url}/slack/canary-slack-3f` : SECRETS[name]
const telling = () => ({
  ...{ database, clock: systemClock, environment },
  reach: () => Promise.reject(new Error('no region is asked')),
})

const workload = (notifications: string) =>
  parseWorkload(`
workload: shop
objectives: { rto: 15m, rpo: 5m }
regions: { primary: ap-southeast-1 }
database: { instance: shop-db, secret: shop/database }
checks: [{ name: one, sql: select 1, expect: 1 }]
notifications:
${notifications}`)

const said: string[] = []
const opened: { close(): Promise<void> }[] = []
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const one of opened.splice(0)) await one.close()
  const everything = JSON.stringify([said, await dump()])
  expect(everything).not.toContain('canary')
  said.length = 0
})

/** All that is kept of updates and executions. */
async function dump() {
  const tables = ['notifications.updates', 'notifications.deliveries', 'runbook.executions']
  return Promise.all(tables.map((table) => database.query(`select * from ${table}`)))
}

async function open(script: Script) {
  const runbooks = [scripted(script)]
  const onExecute = (id: string) => notifier.follow(id)
  const executions: Executions = await Executions.open({
    ...{ database, runbooks, onExecute },
    tools: () => ({}),
  })
  const notifier = notifierOf(telling(), executions, (line) => said.push(line))
  opened.push(notifier, executions)
  return { executions, notifier }
}

/** Where the updates of an execution went, by phase and target. */
function statesOf(updates: readonly Update[]): Record<string, Record<string, string>> {
  const states = (deliveries: readonly UpdateDelivery[]) =>
    Object.fromEntries(deliveries.map(({ target, state }) => [target, state]))
  return Object.fromEntries(updates.map(({ phase, deliveries }) => [phase, states(deliveries)]))
}

const EVERYBODY = () => `
  - { name: hook, kind: webhook, url: '${posts.url}/hook', key: env:KEY, send: automatic }
  - { name: chat, kind: slack, url: env:SLACK, on: [started, completed], send: automatic }
  - name: leads
    kind: email
    server: 127.0.0.1:${mails.port}
    tls: none
    user: lifeboat
    password: env:MAIL
    from: lifeboat@shop.example
    to: [lead@shop.example, boss@shop.example]
    on: [completed]
    send: automatic
`

test('each phase is told to each target that wants it, in order, signed, in its own form', async () => {
  const { executions, notifier } = await open({
    first: {},
    second: { gate: 'harm', cost: async () => ['orders stop for a minute'] },
  })
  const id = await executions.start('scripted', { workload: workload(EVERYBODY()) })
  await executions.waitFor(id, ({ status }) => status === 'pendingApproval')
  await executions.approve(id, { by: 'a test' })
  await executions.waitFor(id, 'end')
  await notifier.close()

  const hooked = posts.take('/hook')
  const bodies = hooked.map(({ body }) => JSON.parse(body))
  expect(bodies.map(({ phase }) => phase)).toEqual(['started', 'gate', 'completed'])
  expect(bodies[1].text).toContain('orders stop for a minute')
  for (const line of ['What happened: ', 'Since: ', 'Being done: ', 'Lost: ', 'Next update: ']) {
    for (const { text } of bodies) expect(text).toContain(line)
  }
  expect(bodies[2]).toMatchObject({
    version: 1,
    subject: id,
    facts: { workload: 'shop', execution: id, status: 'completed', lostWrites: null },
  })
  for (const { body, headers } of hooked) {
    const [, at, sign] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers['x-lifeboat-signature'] ?? '')!
    const wanted = createHmac('sha256', SECRETS.KEY!).update(`${at}.${body}`).digest('hex')
    expect(sign).toBe(wanted)
  }
  const chat = posts.take('/slack/canary-slack-3f').map(({ body }) => JSON.parse(body))
  expect(chat.map(Object.keys)).toEqual([['text'], ['text']])
  expect(chat[1].text).toContain('shop: scripted: completed')
  const [mail, ...more] = mails.take()
  expect(more).toEqual([])
  expect(mail).toMatchObject({ to: ['lead@shop.example', 'boss@shop.example'] })
  expect(mail!.text).toContain('Subject: shop: scripted: completed')
  expect(mail!.text).toContain('Lost: not known yet')
  const updates = await listUpdates(database, id)
  expect(statesOf(updates)).toEqual({
    started: { hook: 'sent', chat: 'sent' },
    gate: { hook: 'sent' },
    completed: { hook: 'sent', chat: 'sent', leads: 'sent' },
  })
  const [, , started, gate] = whoWasTold(updates)
  expect(started).toMatch(/^\| \S+Z \| shop: scripted: started \| .*hook: sent by the file/)
  expect(gate).toMatch(/\| shop: scripted: waits for a decision \| hook: sent by the file \|$/)
})

test('targets that are dead, slow, ill or elsewhere hold nothing up, and are said', async () => {
  const dead = await freePort()
  const { executions, notifier } = await open({ first: {}, second: {} })
  const automatic = 'on: [completed], send: automatic'
  // Time for a busy machine, but for those who never answer.
  const on = `${automatic}, timeout: 30s`
  const silent = `${automatic}, timeout: 3s`
  const ill = workload(`
  - { name: dead, kind: webhook, url: 'http://127.0.0.1:${dead}/', key: env:KEY, ${on} }
  - { name: slow, kind: webhook, url: '${posts.url}/slow', key: env:KEY, ${silent} }
  - { name: ill, kind: webhook, url: '${posts.url}/500', key: env:KEY, ${on} }
  - { name: moved, kind: webhook, url: '${posts.url}/redirect', key: env:KEY, ${on} }
  - { name: endless, kind: webhook, url: '${posts.url}/endless', key: env:KEY, ${on} }
  - { name: keyless, kind: webhook, url: '${posts.url}/hook', key: env:NOTHING, ${on} }
  - { name: mute, kind: email, server: '127.0.0.1:${posts.port}', tls: none, from: a@b.example, to: [c@d.example], ${silent} }
  - { name: gone, kind: email, server: '127.0.0.1:${dead}', tls: none, from: a@b.example, to: [c@d.example], ${on} }
`)
  const id = await executions.start('scripted', { workload: ill })
  const began = systemClock.monotonicMs()
  expect((await executions.waitFor(id, 'end')).status).toBe('completed')
  await notifier.close()
  // All of them at once, and none longer than it may.
  expect(systemClock.monotonicMs() - began).toBeLessThan(35_000)
  const [update] = (await listUpdates(database, id)).filter(({ phase }) => phase === 'completed')
  const became = Object.fromEntries(
    update!.deliveries.map(({ target, state, reason }) => [target, `${state}: ${reason}`]),
  )
  expect(became).toEqual({
    dead: 'failed: it cannot be reached (ECONNREFUSED)',
    slow: 'unknown: it has not answered within 3 s',
    ill: 'failed: it answers 500',
    moved: 'failed: it answers 302, and a redirect is not followed',
    endless: 'sent: undefined',
    keyless: "failed: its secret 'env:NOTHING' cannot be read (ResourceNotFound)",
    mute: expect.stringMatching(/^failed: the mail was not handed over/),
    gone: 'failed: the mail was not handed over (ECONNREFUSED)',
  })
  expect(posts.take('/slow')).toHaveLength(1)
  expect(posts.take('/trap')).toEqual([])
  expect(posts.take('/hook')).toEqual([])
  expect(said.filter((line) => line.startsWith('✘ not told: '))).toHaveLength(6)
  expect(said.filter((line) => line.startsWith('? perhaps told: slow'))).toHaveLength(1)
})

test('a draft waits until a person sends it, and goes out once', async () => {
  const { executions, notifier } = await open({ first: {} })
  const settings = 'key: env:KEY, on: [completed]'
  const id = await executions.start('scripted', {
    workload: workload(`
  - { name: hook, kind: webhook, url: '${posts.url}/hook', ${settings} }
  - { name: ill, kind: webhook, url: '${posts.url}/ill', ${settings} }
  - { name: slow, kind: webhook, url: '${posts.url}/slow', timeout: 3s, ${settings} }
`),
  })
  await executions.waitFor(id, 'end')
  await notifier.close()
  expect(posts.take('/hook')).toEqual([])
  const [update] = (await listUpdates(database, id)).filter(({ phase }) => phase === 'completed')
  expect(statesOf([update!]).completed).toEqual({ hook: 'waits', ill: 'waits', slow: 'waits' })
  const send = async (more: object = {}) => {
    const order = { subject: id, update: update!.id, by: 'Ada' }
    const became = await sendUpdate(telling(), { ...order, ...more })
    return [...became].map(([target, { state }]) => `${target} ${state}`)
  }
  posts.isIll = true
  // Two people at once: each target is told by one of them.
  const both = await Promise.all([send(), send()])
  // What has failed may be tried by the second as well.
  expect([...new Set(both.flat())].sort()).toEqual(['hook sent', 'ill failed', 'slow unknown'])
  expect(posts.take('/hook')).toHaveLength(1)
  posts.isIll = false
  expect(await send()).toEqual(['ill sent'])
  expect(await send()).toEqual([])
  expect(posts.take('/slow')).toHaveLength(1)
  expect(await send({ target: 'slow', isAgain: true })).toEqual(['slow unknown'])
  expect(posts.take('/slow')).toHaveLength(1)
  await expect(send({ target: 'nobody' })).rejects.toMatchObject({ code: 'UpdateNotFound' })
  await expect(send({ update: '999999' })).rejects.toMatchObject({ code: 'UpdateNotFound' })
  const [later] = (await listUpdates(database, id)).filter(({ phase }) => phase === 'completed')
  expect(later!.deliveries.map(({ by }) => by)).toEqual(['Ada', 'Ada', 'Ada'])
})

test('a failed step and a cancellation are told', async () => {
  const hold = latch()
  const { executions, notifier } = await open({
    first: { undo: () => hold.opened },
    second: { run: () => Promise.reject(new Error('no such bucket')) },
  })
  const hook = `{ name: hook, kind: webhook, url: '${posts.url}/hook', key: env:KEY, on: [failed, canceled], send: automatic }`
  const id = await executions.start('scripted', { workload: workload(`  - ${hook}`) })
  await executions.waitFor(id, ({ status }) => status === 'pausedByFailedStep')
  await until(() => posts.count('/hook') === 1)
  hold.open()
  await executions.cancel(id, { by: 'a test' })
  await executions.waitFor(id, 'end')
  await notifier.close()
  const texts = posts.take('/hook').map(({ body }) => JSON.parse(body))
  expect(texts.map(({ phase }) => phase)).toEqual(['failed', 'canceled'])
  expect(texts[0].text).toContain('Do second: no such bucket')
})

test('killed while it sends, it does not send again, and says that nobody knows', async () => {
  const id = `killed-${systemClock.now().getTime()}`
  const notifications = `
  - { name: held, kind: webhook, url: '${posts.url}/slow', key: env:KEY, on: [started], send: automatic, timeout: 4s }
  - { name: hook, kind: webhook, url: '${posts.url}/hook', key: env:KEY, send: automatic }
`
  const order = { url: postgres.url, id, workload: workload(notifications) }
  const child = spawn(process.execPath, [join(import.meta.dirname, 'notifying-process.mjs')], {
    env: { ...process.env, KEY: SECRETS.KEY, NOTIFYING: JSON.stringify(order) },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  children.push(child)
  await until(() => posts.count('/slow') === 1 && posts.count('/hook') === 1)
  child.kill('SIGKILL')
  await once(child, 'close')
  const { executions, notifier } = await open({ first: {} })
  await executions.resume(id)
  await executions.waitFor(id, 'end')
  await notifier.close()
  const heldIs = async () => statesOf(await listUpdates(database, id)).started!.held
  // Until its time is over somebody may still be about it.
  await until(async () => (await heldIs()) === 'unknown')
  expect(posts.take('/slow')).toHaveLength(1)
  expect(posts.take('/hook').map(({ body }) => JSON.parse(body).phase)).toEqual([
    'started',
    'completed',
  ])
  expect(await sendUpdate(telling(), await firstOf(id))).toEqual(new Map())
  expect(posts.take('/slow')).toHaveLength(0)
})

test('a watch tells of red and green once, also when it is started again or runs twice', async () => {
  const hook = `{ name: hook, kind: webhook, url: '${posts.url}/watch', key: env:KEY, send: automatic }`
  const watched = workload(`  - ${hook}`)
  const open = () => {
    const notices = watchNoticesOf(watched, telling(), (line) => said.push(line))
    opened.push(notices)
    return notices
  }
  const result = (state: 'passed' | 'failed' | 'unknown') => [
    { check: 'one', state, value: null, reason: 'expected 1, was 0' },
  ]
  const first = open()
  const told = async () => {
    for (const one of [...opened].reverse()) await one.close()
    return posts.take('/watch').map(({ body }) => JSON.parse(body).phase)
  }
  // Well from the beginning is no news, and unknown is neither.
  for (const state of ['passed', 'unknown', 'failed', 'failed', 'unknown'] as const) {
    first.checks(result(state))
  }
  expect(await told()).toEqual(['check-red'])
  const [second, third] = [open(), open()]
  for (const one of [second, third]) one.checks(result('failed'))
  expect(await told()).toEqual([])
  const [fourth, fifth] = [open(), open()]
  for (const one of [fourth, fifth]) one.checks(result('passed'))
  expect(await told()).toEqual(['check-green'])
  const sixth = open()
  sixth.region(false, 'all is well')
  sixth.region(true, 'two witnesses say so')
  sixth.fenceDebt('failover-1', false, "'shop-db' is not proven fenced (none)")
  sixth.fenceDebt('failover-1', false, "'shop-db' is not proven fenced (none)")
  expect(await told()).toEqual(['region-lost', 'fence-debt'])
  const phases = (await listUpdates(database, 'watch-shop')).map(({ phase }) => phase)
  expect(phases).toEqual(['check-red', 'check-green', 'region-lost', 'fence-debt'])
})

async function firstOf(subject: string) {
  const [update] = await listUpdates(database, subject)
  return { subject, update: update!.id, by: 'Ada' }
}

async function until(condition: () => boolean | Promise<boolean>) {
  const deadline = systemClock.monotonicMs() + 60_000
  while (!(await condition())) {
    if (systemClock.monotonicMs() > deadline) throw new Error('it did not come about in 60 s')
    await systemClock.sleep(20)
  }
}
