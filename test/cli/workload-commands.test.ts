import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lifeboat, temporaryFolder } from './lifeboat.ts'
import { hasScript, lifeboatOnTerminal } from './on-a-terminal.ts'

const root = join(import.meta.dirname, '..', '..')
const MINUTES = 60_000

describe('a workload in an embedded region, by the command line', () => {
  const folder = temporaryFolder()
  const home = join(folder.path, 'home')
  const workload = join(folder.path, 'lifeboat.yaml')
  let environment: NodeJS.ProcessEnv
  let beforeMistake: string

  beforeAll(async () => {
    const start = ['region', 'start', 'ap-southeast-1', '--port', '0', '--detach', '--json']
    expect((await lifeboat(start, { home })).code).toBe(0)
    const { stdout } = await lifeboat(['region', 'env', '--json'], { home })
    environment = { ...JSON.parse(stdout), SHOP_ORDERS: '2000', SHOP_CUSTOMERS: '100' }
    shop('provision')
    shop('load')
    writeFileSync(
      workload,
      `workload: shop
objectives: { rto: 15m, rpo: 5m }
regions: { primary: ap-southeast-1 }
database: { instance: shop-db, secret: shop/database }
checks:
  - { name: every order has a total, sql: select count(*) from orders where total <= 0, expect: 0, every: 1s }
`,
    )
  }, 2 * MINUTES)

  afterAll(async () => {
    await lifeboat(['region', 'stop'], { home })
    folder.remove()
  })

  /** Runs one of the shop's own programs to its end. */
  function shop(program: 'provision' | 'load' | 'mistake') {
    const path = join(root, 'dist', 'examples', 'shop', `${program}.js`)
    const { status, stderr } = spawnSync(process.execPath, [path], {
      env: { PATH: process.env.PATH, ...environment },
      encoding: 'utf8',
    })
    expect(status, stderr).toBe(0)
  }

  const run = (...args: string[]) => lifeboat([...args, '--workload', workload], { home })
  const json = async (...args: string[]) => {
    const { stdout, code } = await run(...args, '--json')
    return { code, ...JSON.parse(stdout) }
  }

  const execution = async (...args: string[]) => {
    const { stdout, code } = await lifeboat(['execution', ...args, '--json'], { home })
    return { code, ...JSON.parse(stdout) }
  }

  test('status uses the regions of the home when the environment names none', async () => {
    const { code, stdout, stderr } = await run('status', '--exit-code')
    expect(stderr).toContain('using the embedded regions of this home')
    expect(stdout).toMatch(/^shop {3}WELL {3}world: embedded$/m)
    expect(stdout).toContain('never measured (RTO 15m)')
    expect(code).toBe(0)
  })

  test(
    'backup create takes a snapshot that backup list shows',
    async () => {
      expect(await json('backup', 'create', '--name', 'by-hand')).toMatchObject({
        code: 0,
        identifier: 'by-hand',
        status: 'available',
      })
      const { snapshots, restoreWindow } = await json('backup', 'list')
      expect(snapshots).toContainEqual(expect.objectContaining({ identifier: 'by-hand' }))
      expect(Date.parse(restoreWindow.latest)).toBeGreaterThanOrEqual(
        Date.parse(restoreWindow.earliest),
      )
    },
    MINUTES,
  )

  test(
    'backup verify restores a copy, reads it back and deletes it',
    async () => {
      const found = await json('backup', 'verify')
      expect(found).toMatchObject({
        code: 0,
        rows: { 'public.orders': 2_000, 'public.line_items': 4_000, 'public.customers': 100 },
        checks: [{ state: 'passed' }],
      })
    },
    MINUTES,
  )

  test(
    'restore makes a new instance',
    async () => {
      expect(await json('restore', '--to', 'latest', '--as', 'shop-copy')).toMatchObject({
        code: 0,
        instance: 'shop-copy',
        status: 'available',
      })
    },
    MINUTES,
  )

  test.each([
    ['2001-01-01T00:00:00Z', 'RecoveryPointUnreachable', 34],
    ['yesterday', 'InvalidTime', 2],
    ['2026-01-01 10:00', 'InvalidTime', 2],
  ])('restore to %s is refused with %s', async (to, code, exit) => {
    const outcome = await json('restore', '--to', to, '--as', 'never')
    expect(outcome).toMatchObject({ code: exit, error: { code } })
  })

  test('a dry run shows the steps and changes nothing', async () => {
    const plan = await json('runbook', 'run', 'data-corruption', '--dry-run')
    expect(plan).toMatchObject({ code: 0, dryRun: true, workload: 'shop' })
    expect(plan.steps.map(({ name }: { name: string }) => name)).toContain('stop-writes')
    expect((await execution('list')).executions).toEqual([])
  })

  test(
    'execution skip goes on without the failed step that is named, and with every other',
    async () => {
      // Nobody has watched the workload, so that there is nothing to compare what was restored with.
      const failed = await json('runbook', 'run', 'data-corruption', '--yes')
      expect(failed).toMatchObject({ code: 56, error: { code: 'StepFailed' } })
      const [{ id }] = (await execution('list')).executions
      const statusOf = async (name: string) => {
        const { steps } = await execution('show', id)
        return steps.find((step: { name: string }) => step.name === name)
      }
      const why = ['--reason', 'judged by hand']
      const refused = await execution('skip', id, ...why, '--step', 'restore')
      expect(refused).toMatchObject({ error: { code: 'ExecutionNotWaiting' } })
      expect(refused.error.message).toContain("'restore' is none that has failed")
      expect(await statusOf('verify')).toMatchObject({ status: 'failed' })

      const gate = await execution('skip', id, ...why, '--step', 'verify')
      expect(gate).toMatchObject({ error: { code: 'ApprovalRequired' } })
      const reason = expect.stringContaining('judged by hand')
      expect(await statusOf('verify')).toMatchObject({ status: 'skipped', reason })
      expect(await execution('cancel', id)).toMatchObject({ status: 'canceled' })
    },
    3 * MINUTES,
  )

  test(
    'without a terminal a gate stays closed, and the execution can be canceled',
    async () => {
      await watchOnce()
      beforeMistake = new Date().toISOString()
      shop('mistake')
      const refused = await json('watch', '--once')
      expect(refused).toMatchObject({ code: 54, error: { code: 'ApprovalRequired' } })
      const [{ id }] = (await execution('list')).executions
      expect(await execution('cancel', id)).toMatchObject({ code: 0, status: 'canceled' })
    },
    2 * MINUTES,
  )

  test(
    'on a terminal gates are asked about, and what is answered is done',
    async (context) => {
      if (!hasScript()) return context.skip('skipped: needs script of util-linux')
      const args = ['runbook', 'run', 'data-corruption', '--workload', workload]
      const terminal = lifeboatOnTerminal(args, { home })
      const shows = (text: string) =>
        expect.poll(terminal.shown, { timeout: MINUTES }).toContain(text)
      await shows('Stop writes to the damaged database?')
      terminal.press('down', 'enter')
      await shows('Move the consumers to the new instance?')
      expect(terminal.shown()).toContain('✔ Stop writes')
      terminal.press('down', 'down', 'enter')

      expect(await terminal.ended).toBe(55)
      const [{ id }] = (await execution('list')).executions
      const { status, steps } = await execution('show', id)
      expect(status).toBe('canceled')
      const gates = steps.filter(({ gate }: { gate?: object }) => gate)
      expect(gates).toMatchObject([
        { name: 'stop-writes', status: 'undone', gate: { approvedBy: expect.any(String) } },
        { name: 'switch', attempts: [] },
      ])
    },
    2 * MINUTES,
  )

  test(
    'a recovery to a given moment, whose Lifeboat is killed, goes on with execution resume',
    async () => {
      const run = ['runbook', 'run', 'data-corruption', '--to', beforeMistake, '--yes']
      const args = [...run, '--workload', workload]
      const killed = spawn(process.execPath, [join(root, 'bin', 'lifeboat'), ...args], {
        env: { PATH: process.env.PATH, LIFEBOAT_HOME: home },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let said = ''
      killed.stderr.on('data', (chunk) => {
        said += chunk
      })
      await expect.poll(() => said, { timeout: MINUTES }).toContain('✔ Stop writes')
      const ended = new Promise((resolve) => killed.once('exit', resolve))
      killed.kill('SIGKILL')
      await ended

      const { executions } = await execution('list')
      const { id } = executions.find(({ status }: { status: string }) => status !== 'canceled')
      await expect
        .poll(async () => (await execution('list')).executions[0].status, {
          timeout: MINUTES,
        })
        .toBe('interrupted')
      const resumed = lifeboat(['execution', 'resume', id, '--yes'], {
        home,
        withinMs: 6 * MINUTES,
      })
      const theShop = openShop()
      const { code, stderr } = await resumed
      expect(code, stderr).toBe(0)
      await theShop.stop()
      const shown = await execution('show', id)
      expect(shown).toMatchObject({ status: 'completed', verdict: 'proven' })
      const [identify] = shown.steps.filter(({ name }: { name: string }) => name === 'identify')
      expect(identify.output.recoveryPoint).toMatchObject({ time: beforeMistake })
      const before = await json('status')
      expect(before).toMatchObject({ state: 'passed' })
      expect(before.findings).toContainEqual(expect.stringContaining('lifeboat workload update'))
      const restore = shown.steps.find(({ name }: { name: string }) => name === 'restore')
      const { instance } = restore.output
      // Another recovery would begin with what was left behind.
      const again = await json('runbook', 'run', 'data-corruption', '--to', beforeMistake)
      expect(again.error).toMatchObject({
        code: 'InvalidUsage',
        message: `the workload file names 'shop-db', and since '${id}' the database in use is '${instance}'`,
      })
      const { changes } = await json('workload', 'update')
      expect(changes).toMatchObject([{ key: 'instance', from: 'shop-db', to: instance }])
      const after = await json('status')
      expect(after.instance.identifier).toBe(instance)
      expect(after.findings.join()).not.toContain('name the instance in use')
      expect(await json('workload', 'update')).toMatchObject({ code: 0, changes: [] })
    },
    8 * MINUTES,
  )

  /** Lets the watch see the workload while it is well: a baseline to compare with. */
  async function watchOnce() {
    const interrupt = new AbortController()
    const watching = lifeboat(['watch', '--no-start', '--workload', workload], {
      home,
      signal: interrupt.signal,
    })
    await expect
      .poll(async () => (await json('status')).lastGoodAt, { timeout: MINUTES })
      .toMatch(/^2/)
    interrupt.abort()
    expect((await watching).code).toBe(130)
  }

  /** The shop and a few customers, for as long as it takes. */
  function openShop() {
    const program = (name: string) => join(root, 'dist', 'examples', 'shop', `${name}.js`)
    const start = (name: string, more: NodeJS.ProcessEnv) =>
      spawn(process.execPath, [program(name)], {
        env: { PATH: process.env.PATH, ...environment, ...more },
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    const service = start('service', { SHOP_PORT: '0' })
    let customers: ReturnType<typeof start> | undefined
    service.stdout.on('data', (chunk) => {
      const url = /listening on (\S+)/.exec(String(chunk))?.[1]
      const ledger = join(folder.path, 'orders.jsonl')
      if (url) customers = start('customers', { SHOP_URL: url, SHOP_LEDGER: ledger })
    })
    const end = (child: typeof service | undefined) =>
      new Promise<void>((resolve) => {
        if (!child) return resolve()
        child.once('exit', () => resolve())
        child.kill()
      })
    return {
      stop: async () => {
        await end(customers)
        await end(service)
      },
    }
  }
})
