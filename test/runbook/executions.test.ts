import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import type { Execution } from '../../src/runbook/execution.ts'
import { Executions } from '../../src/runbook/executions.ts'
import { sampleRunbook } from '../../src/runbook/sample-runbook.ts'
import { type Latch, latch, type Script, scripted } from './scripted-runbook.ts'
import { stateForTests } from './state-postgres.ts'

const state = stateForTests()

const opened: Executions[] = []
afterEach(async () => {
  for (const executions of opened.splice(0)) await executions.close()
})

async function open(script: Script, notes: string[] = []) {
  const executions = await Executions.open({
    database: state(),
    runbooks: [scripted(script, notes)],
    tools: () => ({}),
  })
  opened.push(executions)
  return executions
}

const all = { autoApprove: ['harm', 'oneWay'] as const }
const undo = async () => undefined
const status = (wanted: Execution['status']) => (execution: Execution) =>
  execution.status === wanted
const failure = (code: 'RestoreNotVerified' | 'DatabaseUnreachable' = 'RestoreNotVerified') =>
  new LifeboatError(code, 'it was told to fail', { hint: 'Mend it.', cause: new Error('inside') })
const meeting = (mine: Latch, others: Latch) => async () => {
  mine.open()
  await others.opened
}
const stepOf = ({ steps }: Execution, name: string) => steps.find((step) => step.name === name)!

test('independent steps run side by side, dependent ones after each other', async () => {
  const notes: string[] = []
  const [left, right] = [latch(), latch()]
  const executions = await open(
    {
      first: {},
      // Each waits until the other has begun, which only works side by side.
      left: { run: meeting(left, right) },
      right: { after: ['first'], run: meeting(right, left) },
      last: { after: ['left', 'right'] },
    },
    notes,
  )
  const id = await executions.start('scripted', {})
  const ended = await executions.waitFor(id, 'end')
  expect(ended).toMatchObject({ status: 'completed', verdict: 'proven' })
  expect(notes[0]).toBe('first')
  expect(notes[3]).toBe('last')
  for (const { attempts } of ended.steps) {
    expect(attempts).toHaveLength(1)
    expect(attempts[0]?.endedAt?.getTime()).toBeGreaterThanOrEqual(attempts[0]!.startedAt.getTime())
  }
})

test('outputs come to later steps as the journal keeps them', async () => {
  let seen: unknown
  const executions = await open({
    first: { run: async () => ({ at: new Date(0), nothing: undefined, list: [1, { a: null }] }) },
    last: {
      run: async ({ done, execution, step, input }) => {
        seen = { ...(done.first as unknown as object), id: execution.id, step, input }
      },
    },
  })
  const id = await executions.start('scripted', { n: 1 }, { id: 'outputs-1' })
  const ended = await executions.waitFor(id, 'end')
  expect(seen).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    list: [1, { a: null }],
    id: 'outputs-1',
    step: 'last',
    input: { n: 1 },
  })
  expect(ended.input).toEqual({ n: 1 })
  expect(stepOf(ended, 'first').output).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    list: [1, { a: null }],
  })
})

test('a gate asks with the cost of that moment, and its step waits for the answer', async () => {
  const notes: string[] = []
  let orders = 1
  const executions = await open(
    { first: {}, stop: { gate: 'harm', cost: async () => [`${++orders} orders a second`] } },
    notes,
  )
  const id = await executions.start('scripted', {}, { autoApprove: ['oneWay'] })
  const asked = await executions.waitFor(id, status('pendingApproval'))
  expect(stepOf(asked, 'stop')).toMatchObject({
    status: 'pendingApproval',
    gate: { kind: 'harm', cost: ['2 orders a second'] },
    attempts: [],
  })
  expect(notes).toEqual(['first'])
  await expect(executions.approve(id, { by: 'ana', step: 'first' })).rejects.toMatchObject({
    code: 'ExecutionNotWaiting',
  })
  await executions.approve(id, { by: 'ana' })
  const ended = await executions.waitFor(id, 'end')
  expect(stepOf(ended, 'stop').gate?.approvedBy).toBe('ana')
  expect(stepOf(ended, 'stop').gate?.approvedAt).toBeInstanceOf(Date)
  await expect(executions.approve(id, { by: 'ana' })).rejects.toMatchObject({
    code: 'ExecutionNotWaiting',
  })
})

test('of two gates that ask at once, one has to be named', async () => {
  const executions = await open({ a: { gate: 'harm', after: [] }, b: { gate: 'harm', after: [] } })
  const id = await executions.start('scripted', {})
  const areAsked = ({ steps }: Execution) => steps.every((one) => one.status === 'pendingApproval')
  await executions.waitFor(id, areAsked)
  await expect(executions.approve(id, { by: 'ana' })).rejects.toThrow(/'a', 'b'/)
  await executions.approve(id, { by: 'ana', step: 'b' })
  await executions.waitFor(id, (one) => stepOf(one, 'b').status === 'completed')
  expect(stepOf(await executions.get(id), 'a').status).toBe('pendingApproval')
  await executions.cancel(id, { by: 'ana' })
  const ended = await executions.waitFor(id, 'end')
  expect(ended.steps.map((step) => step.status)).toEqual(['canceled', 'completed'])
  expect(stepOf(ended, 'b').reason).toMatch(/nothing to undo: a test does not want it/)
})

test('a gate whose cost is not known does not open by itself', async () => {
  const executions = await open({
    stop: { gate: 'harm', cost: async () => Promise.reject(new Error('no answer')) },
  })
  const id = await executions.start('scripted', {}, all)
  const asked = await executions.waitFor(id, status('pendingApproval'))
  expect(stepOf(asked, 'stop').gate?.cost).toEqual(['what it costs is not known: no answer'])
  await executions.approve(id, { by: 'ana' })
  expect((await executions.waitFor(id, 'end')).status).toBe('completed')
})

test('a failed step pauses everything that has not begun; retry goes on', async () => {
  const notes: string[] = []
  let isMended = false
  const [running, begun] = [latch(), latch()]
  const executions = await open(
    {
      long: { after: [], run: meeting(begun, running) },
      'after long': {},
      broken: {
        after: [],
        run: async () => {
          await begun.opened
          if (!isMended) throw failure()
        },
      },
    },
    notes,
  )
  const id = await executions.start('scripted', {})
  const paused = await executions.waitFor(id, status('pausedByFailedStep'))
  expect(stepOf(paused, 'broken')).toMatchObject({
    status: 'failed',
    attempts: [
      { error: { code: 'RestoreNotVerified', message: 'it was told to fail', hint: 'Mend it.' } },
    ],
  })
  expect(JSON.stringify(paused)).not.toContain('inside')
  running.open()
  await executions.waitFor(id, (one) => stepOf(one, 'long').status === 'completed')
  await systemClock.sleep(300)
  expect(notes).toEqual(['long'])
  isMended = true
  await executions.retry(id)
  const ended = await executions.waitFor(id, 'end')
  expect(ended).toMatchObject({ status: 'completed', verdict: 'proven' })
  expect(stepOf(ended, 'broken').attempts).toHaveLength(2)
  await expect(executions.retry(id)).rejects.toMatchObject({ code: 'ExecutionNotWaiting' })
})

test('what may pass is tried again by itself, and then a person is asked', async () => {
  let tries = 0
  const executions = await open({
    once: {
      run: async () => {
        if (++tries === 1) throw failure('DatabaseUnreachable')
      },
    },
  })
  const id = await executions.start('scripted', {})
  const ended = await executions.waitFor(id, 'end')
  expect(ended.status).toBe('completed')
  expect(stepOf(ended, 'once').attempts).toMatchObject([
    { error: { code: 'DatabaseUnreachable' } },
    {},
  ])
})

test('a skipped step leaves the execution unproven; who needs its output fails, who does not goes on', async () => {
  const executions = await open({
    broken: { run: async () => Promise.reject(new TypeError('a mistake')) },
    needs: { run: async ({ done }) => done.broken },
    apart: { run: async ({ done }) => ({ known: Object.keys(done) }) },
  })
  const id = await executions.start('scripted', {})
  const paused = await executions.waitFor(id, status('pausedByFailedStep'))
  expect(stepOf(paused, 'broken').attempts[0]?.error).toEqual({
    code: 'StepFailed',
    message: 'a mistake',
  })
  await expect(executions.skip(id, { reason: ' ', by: 'ana' })).rejects.toMatchObject({
    code: 'InvalidUsage',
  })
  await executions.skip(id, { reason: 'done by hand', by: 'ana' })
  const again = await executions.waitFor(id, (one) => stepOf(one, 'needs').status === 'failed')
  expect(stepOf(again, 'needs').attempts[0]?.error?.message).toContain(
    "'broken' has no output: it is skipped, done by hand (skipped by ana)",
  )
  await executions.skip(id, { reason: 'also by hand', by: 'ana' })
  const ended = await executions.waitFor(id, 'end')
  expect(ended).toMatchObject({ status: 'completedWithSkips', verdict: 'unproven' })
  expect(stepOf(ended, 'apart').output).toEqual({ known: [] })
  expect(stepOf(ended, 'broken')).toMatchObject({
    status: 'skipped',
    reason: 'done by hand (skipped by ana)',
  })
})

test('cancel stops what runs, waits for it, and undoes what was done, newest first', async () => {
  const notes: string[] = []
  const begun = latch()
  const executions = await open(
    {
      first: { undo, run: async () => 'one' },
      second: { undo },
      running: {
        undo,
        run: async ({ signal }) => {
          begun.open()
          await systemClock.sleep(20_000, signal).catch(() => systemClock.sleep(200))
          notes.push('cleared up')
          throw signal.reason
        },
      },
      last: {},
    },
    notes,
  )
  const id = await executions.start('scripted', {})
  await begun.opened
  await executions.cancel(id, { by: 'ana' })
  await executions.cancel(id, { by: 'bo' })
  const ended = await executions.waitFor(id, 'end')
  expect(ended).toMatchObject({ status: 'canceled', verdict: 'unproven' })
  expect(notes).toEqual(['first', 'second', 'cleared up', 'undid second', 'undid first'])
  expect(ended.steps.map((step) => step.status)).toEqual([
    'undone',
    'undone',
    'canceled',
    'canceled',
  ])
  expect(stepOf(ended, 'first').undoAttempts).toHaveLength(1)
  await expect(executions.cancel(id, { by: 'ana' })).rejects.toMatchObject({
    code: 'ExecutionNotWaiting',
  })
})

test('once a one-way step has begun there is only forward', async () => {
  const notes: string[] = []
  const executions = await open(
    { first: { undo }, switch: { gate: 'oneWay', run: async () => Promise.reject(failure()) } },
    notes,
  )
  const id = await executions.start('scripted', {}, all)
  await executions.waitFor(id, status('pausedByFailedStep'))
  await expect(executions.cancel(id, { by: 'ana' })).rejects.toThrow(/only forward/)
  expect(notes).toEqual(['first'])
  await executions.skip(id, { by: 'ana', reason: 'switched by hand' })
  expect((await executions.waitFor(id, 'end')).verdict).toBe('unproven')
})

test('undoing that fails is seen, and waits: another try goes on', async () => {
  const notes: string[] = []
  let isMended = false
  const executions = await open(
    {
      first: { undo },
      second: { undo: async () => (isMended ? undefined : Promise.reject(failure())) },
      stop: { gate: 'harm' },
    },
    notes,
  )
  const id = await executions.start('scripted', {})
  await executions.waitFor(id, status('pendingApproval'))
  await executions.cancel(id, { by: 'ana' })
  const paused = await executions.waitFor(id, status('pausedByFailedStep'))
  expect(stepOf(paused, 'second')).toMatchObject({
    status: 'failed',
    reason: 'could not be undone: it was told to fail',
  })
  expect(notes).toEqual(['first', 'second'])
  isMended = true
  await executions.retry(id)
  expect((await executions.waitFor(id, 'end')).status).toBe('canceled')
  expect(notes.slice(2)).toEqual(['undid second', 'undid first'])
})

test('what cannot be undone can be left for a reason, and the execution has failed', async () => {
  const executions = await open({
    first: { undo },
    second: { undo: async () => Promise.reject(failure()) },
    stop: { gate: 'harm' },
  })
  const id = await executions.start('scripted', {})
  await executions.waitFor(id, status('pendingApproval'))
  await executions.cancel(id, { by: 'ana' })
  await executions.waitFor(id, status('pausedByFailedStep'))
  await executions.skip(id, { by: 'ana', reason: 'it is gone' })
  const ended = await executions.waitFor(id, 'end')
  expect(ended).toMatchObject({ status: 'failed', verdict: 'failed' })
  expect(stepOf(ended, 'second').reason).toBe(
    'could not be undone: it was told to fail; left as it is by ana: it is gone',
  )
  expect(stepOf(ended, 'first').status).toBe('undone')
})

test('a deadline aborts the step; then it asks, tries again or gives up, as declared', async () => {
  const notes: string[] = []
  let tries = 0
  const late = async ({ signal }: { signal: AbortSignal }) => {
    tries++
    await systemClock.sleep(20_000, signal)
  }
  const asks = await open({ late: { deadlineSeconds: 0.2, run: late } })
  const asking = await asks.start('scripted', {})
  const paused = await asks.waitFor(asking, status('pausedByFailedStep'))
  expect(stepOf(paused, 'late').attempts).toMatchObject([
    { error: { code: 'StepDeadlineExceeded' } },
  ])
  await asks.close()

  const tried = await open({
    late: {
      deadlineSeconds: 0.2,
      onDeadline: 'retry',
      run: async (context) => (tries === 2 ? 'in time' : late(context)),
    },
  })
  const retrying = await tried.start('scripted', {})
  const ended = await tried.waitFor(retrying, 'end')
  expect(stepOf(ended, 'late')).toMatchObject({ status: 'completed', output: 'in time' })
  await tried.close()

  const aborts = await open(
    { first: { undo }, late: { deadlineSeconds: 0.2, onDeadline: 'abort', run: late } },
    notes,
  )
  const aborting = await aborts.start('scripted', {})
  expect(await aborts.waitFor(aborting, 'end')).toMatchObject({
    status: 'failed',
    verdict: 'failed',
  })
  expect(notes).toEqual(['first', 'undid first'])
})

test('a pause holds back what has not begun, and lets what runs end', async () => {
  const notes: string[] = []
  const [begun, go] = [latch(), latch()]
  const executions = await open({ first: { run: meeting(begun, go) }, last: {} }, notes)
  const id = await executions.start('scripted', {})
  await begun.opened
  await executions.pause(id)
  await executions.pause(id)
  expect((await executions.get(id)).status).toBe('pausedByOperator')
  go.open()
  await executions.waitFor(id, (one) => stepOf(one, 'first').status === 'completed')
  await systemClock.sleep(300)
  expect(notes).toEqual(['first'])
  await executions.resume(id)
  expect((await executions.waitFor(id, 'end')).status).toBe('completed')
  await expect(executions.resume(id)).rejects.toMatchObject({ code: 'ExecutionNotWaiting' })
  await expect(executions.pause(id)).rejects.toMatchObject({ code: 'ExecutionNotWaiting' })
})

test('one execution owns a workload; another is told who holds it and since when', async () => {
  const executions = await open({ stop: { gate: 'harm' } })
  const id = await executions.start('scripted', {}, { owns: 'shop' })
  const { startedAt } = await executions.get(id)
  await expect(executions.start('scripted', {}, { owns: 'shop' })).rejects.toMatchObject({
    code: 'ExecutionAlreadyRunning',
    message: `execution '${id}' owns 'shop' since ${startedAt.toISOString()} (process ${process.pid} on ${(await import('node:os')).hostname()})`,
  })
  await expect(executions.start('scripted', {}, { id })).rejects.toMatchObject({
    code: 'ExecutionAlreadyRunning',
  })
  expect((await executions.list()).filter(({ owns }) => owns === 'shop')).toHaveLength(1)
  await executions.waitFor(id, status('pendingApproval'))
  await executions.cancel(id, { by: 'ana' })
  await executions.waitFor(id, 'end')
  const next = await executions.start('scripted', {}, { ...all, owns: 'shop' })
  expect((await executions.waitFor(next, 'end')).status).toBe('completed')
})

test('what happened can be followed from its beginning to its end', async () => {
  const executions = await open({
    first: { run: async ({ progress }) => progress('half of it', 0.5) },
    stop: { gate: 'harm' },
  })
  const id = await executions.start('scripted', {})
  const kinds: string[] = []
  for await (const { kind, at } of executions.watch(id)) {
    expect(at).toBeInstanceOf(Date)
    kinds.push(kind)
    if (kind === 'gateAsked') {
      await executions.waitFor(id, status('pendingApproval'))
      await executions.approve(id, { by: 'ana' })
    }
  }
  expect(kinds).toEqual([
    'started',
    'stepBegan',
    'stepCompleted',
    'gateAsked',
    'gateApproved',
    'stepBegan',
    'stepCompleted',
    'ended',
  ])
  const stopped = new AbortController()
  stopped.abort()
  for await (const _ of executions.watch(id, stopped.signal)) expect.unreachable()
})

test('progress is seen while a step runs', async () => {
  const go = latch()
  const executions = await open({
    first: {
      run: async ({ progress }) => {
        for (let done = 0; done <= 10; done++) progress(`${done} of 10`, done / 10)
        await go.opened
      },
    },
  })
  const id = await executions.start('scripted', {})
  const seen = await executions.waitFor(
    id,
    (one) => stepOf(one, 'first').progress?.message === '10 of 10',
  )
  expect(stepOf(seen, 'first')).toMatchObject({ status: 'running', progress: { fraction: 1 } })
  go.open()
  await executions.waitFor(id, 'end')
})

test('credentials are kept out of inputs, outputs and errors', async () => {
  const executions = await open({
    leaks: { run: async () => ({ password: 'canary-1' }) },
  })
  await expect(executions.start('scripted', { url: 'postgres://u:canary-2@h/d' })).rejects.toThrow(
    /I12/,
  )
  const id = await executions.start('scripted', {})
  const paused = await executions.waitFor(id, status('pausedByFailedStep'))
  expect(stepOf(paused, 'leaks').attempts[0]?.error?.message).toMatch(/I12/)
  expect(JSON.stringify(await executions.list())).not.toContain('canary')
})

test('unknown runbooks and executions are refused by name', async () => {
  const executions = await open({ first: {} })
  await expect(executions.start('nope', {})).rejects.toMatchObject({
    code: 'RunbookNotFound',
    hint: 'Choose one of: scripted.',
  })
  for (const ask of [
    () => executions.get('nope'),
    () => executions.approve('nope', { by: 'ana' }),
    () => executions.resume('nope'),
    () => executions.waitFor('nope', 'end'),
  ]) {
    await expect(ask()).rejects.toMatchObject({ code: 'ExecutionNotFound' })
  }
})

test('tools that could not be made are made anew for the next try', async () => {
  let made = 0
  const executions = await Executions.open({
    database: state(),
    runbooks: [scripted({ first: { run: async ({ tools }) => tools } })],
    tools: async () => {
      if (++made === 1) throw failure()
      return { made }
    },
  })
  opened.push(executions)
  const id = await executions.start('scripted', {})
  await executions.waitFor(id, status('pausedByFailedStep'))
  await executions.retry(id)
  expect(stepOf(await executions.waitFor(id, 'end'), 'first').output).toEqual({ made: 2 })
})

test('a list that changed since an execution began is not gone on with', async () => {
  const before = await open({ first: {}, stop: { gate: 'harm' } })
  const id = await before.start('scripted', {})
  await before.waitFor(id, status('pendingApproval'))
  await before.close()
  const after = await open({ first: {}, new: {}, stop: { gate: 'harm' } })
  await expect(after.resume(id)).rejects.toMatchObject({ code: 'RunbookChanged' })
  expect(sampleRunbook.steps.length).toBeGreaterThan(0)
})

test('a heartbeat while it closes goes on with nothing: a gate still waits afterwards', async () => {
  const beats = async () => {
    const rows = await state().query<{ at: string }>(
      'select max(heartbeat_at)::text as at from runbook.executors',
    )
    return rows[0]!.at
  }
  let isHeardWhileClosing = false
  const executions = await open({
    gate: { gate: 'harm' },
    // Stops only when this process was heard of again.
    slow: {
      after: [],
      run: async ({ signal }) => {
        while (!signal.aborted) await systemClock.sleep(10)
        const before = await beats()
        await expect.poll(beats).not.toBe(before)
        isHeardWhileClosing = true
      },
    },
  })
  const id = await executions.start('scripted', {})
  await executions.waitFor(
    id,
    (now) =>
      stepOf(now, 'gate').status === 'pendingApproval' && stepOf(now, 'slow').status === 'running',
  )
  await executions.close()
  expect(isHeardWhileClosing).toBe(true)
  const next = await open({ gate: { gate: 'harm' }, slow: { after: [] } })
  expect(stepOf(await next.get(id), 'gate').status).toBe('pendingApproval')
  const events: string[] = []
  for await (const { kind } of next.watch(id, AbortSignal.timeout(500))) events.push(kind)
  expect(events).not.toContain('adopted')
})

test('after closing no timer is left that would keep the process', async () => {
  let sleeping = 0
  const sleep = async (ms: number, signal?: AbortSignal) => {
    sleeping += 1
    await systemClock.sleep(ms, signal).finally(() => {
      sleeping -= 1
    })
  }
  const executions = await Executions.open({
    database: state(),
    runbooks: [scripted({ only: {} }, [])],
    tools: () => ({}),
    clock: { ...systemClock, sleep },
  })
  await executions.waitFor(await executions.start('scripted', {}), 'end')
  await executions.close()
  await expect.poll(() => sleeping, { timeout: 1_000 }).toBe(0)
})
