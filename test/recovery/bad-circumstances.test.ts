import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { lifeboat } from '../cli/lifeboat.ts'
import { unmount } from '../harness/unmount.ts'
import { connect, Ledger, lossesOf, ORDERS, rowsAt } from '../trials/ledger.ts'
import { TrialRegion } from '../trials/trial-region.ts'

const WORKLOAD = `
workload: shop
objectives: { rto: 15m, rpo: 5m }
regions: { primary: ap-southeast-1 }
database: { instance: shop-db, secret: shop/database }
checks:
  - { name: every order has a number, sql: select count(*) from orders where number < 1, expect: 0, every: 5s }
`

/** A failure as an operator reads it: what, what to do, and the code with its exit. */
function expectClear(stderr: string, code: string, words: RegExp): void {
  const [error, hint, last] = stderr.trimEnd().split('\n').slice(-3)
  expect(error).toMatch(/^error: /)
  expect(error).toMatch(words)
  expect(hint).toMatch(/^hint: {2}[A-Z].*\.$/)
  expect(last).toContain(`code:  ${code} (exit `)
}

describe('a start that cannot succeed says why, and the data is there afterwards', () => {
  let region: TrialRegion
  let ledger: Ledger

  beforeAll(async () => {
    region = await TrialRegion.start('circumstances')
    await region.create('shop-db')
    const shop = await region.login('shop-db')
    const session = await connect(shop)
    await session.query(ORDERS)
    await session.end()
    ledger = new Ledger(join(region.folder, 'ledger.jsonl'), () => shop)
    ledger.write({ writers: 1, perSecond: 200 })
    await ledger.until(50)
    await ledger.close()
  })
  afterAll(() => region?.end())
  afterEach(async () => {
    await region.startAgain()
    await region.untilAvailable('shop-db')
    const rows = await rowsAt(await region.login('shop-db'))
    expect(lossesOf(rows, ledger.entries())).toEqual([])
  })

  const start = (more: string[] = [], o: { home?: string; environment?: object } = {}) =>
    lifeboat(['region', 'start', '--detach', ...more], {
      home: o.home ?? region.home.folder,
      environment: { ...o.environment },
    })

  test('a port that is taken', async () => {
    await region.home.stop()
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
    const { port } = squatter.address() as { port: number }
    try {
      const { code, stderr } = await start(['--port', `${port}`])
      expect(code).toBe(22)
      expectClear(stderr, 'PortTaken', new RegExp(`${port}`))
    } finally {
      await new Promise((resolve) => squatter.close(resolve))
    }
  })

  test('a second process on the same data, by another path to it', async () => {
    const other = join(region.folder, 'other-name')
    symlinkSync(region.home.folder, other)
    const { code, stderr } = await start(['--port', '65001'], { home: other })
    expect(code).toBe(23)
    expectClear(stderr, 'AlreadyRunning', /process \d+/)
  })

  test('no PostgreSQL', async () => {
    await region.home.stop()
    const { code, stderr } = await start(['--port', '0'], {
      environment: { LIFEBOAT_PG_BIN: '/nowhere' },
    })
    expect(code).toBe(20)
    expectClear(stderr, 'PostgresMissing', /'\/nowhere'/)
  })

  test('a folder that cannot be written', async () => {
    const file = join(region.folder, 'file')
    writeFileSync(file, 'in the way')
    for (const home of [file, join(file, 'home'), '/proc/lifeboat']) {
      const { code, stderr } = await start(['--port', '0'], { home })
      expect(code).toBe(21)
      expectClear(stderr, 'FolderNotUsable', new RegExp(home))
    }
  })

  test('a wrong password in the secret', async () => {
    const workload = join(region.folder, 'lifeboat.yaml')
    writeFileSync(workload, WORKLOAD)
    const environment = await region.home.environment()
    const { host, port, user, database } = await region.login('shop-db')
    const secrets = new SecretsManagerClient(region.client)
    const secret = { engine: 'postgres', host, port, username: user, dbname: database }
    await secrets.send(
      new CreateSecretCommand({
        Name: 'shop/database',
        SecretString: JSON.stringify({ ...secret, password: 'canary-wrong-passw0rd' }),
      }),
    )
    secrets.destroy()
    const run = (args: string[]) =>
      lifeboat([...args, '--workload', workload], { home: region.home.folder, environment })

    const { code, stderr } = await run(['backup', 'verify'])
    expect(code).toBe(42)
    expectClear(stderr, 'CredentialsRefused', /refuses to log 'shop' in/)
    expect(stderr).not.toContain('canary-wrong')
    expect((await region.instances()).map((one) => one.DBInstanceIdentifier)).toEqual(['shop-db'])

    const status = await run(['status'])
    expect(status.stdout).toMatch(/^shop +UNKNOWN/)
    expect(status.stdout).toContain("refuses to log 'shop' in")
  })
})

test('a full disk stops writes, not the region, and costs no order that was acknowledged', async (context) => {
  const region = await onSmallDisk('320m')
  if (!region) return context.skip('skipped: needs root and the right to mount a tmpfs')
  const filler = join(region.folder, 'home', 'filler')
  let ledger: Ledger | undefined
  try {
    await region.create('shop-db')
    const shop = await region.login('shop-db')
    const session = await connect(shop)
    await session.query(`${ORDERS}; create table filler (text text)`)
    await session.end()
    ledger = new Ledger(join(region.folder, 'ledger.jsonl'), () => shop)
    ledger.write({ writers: 2, perSecond: 200 })
    await ledger.until(50)
    fill(filler)
    const { acknowledged } = ledger
    for (let before = -1; before !== ledger.acknowledged; ) {
      before = ledger.acknowledged
      await fillTable(shop)
    }
    expect(ledger.acknowledged).toBeGreaterThanOrEqual(acknowledged)

    const environment = await region.home.environment()
    writeFileSync(join(region.folder, 'lifeboat.yaml'), WORKLOAD)
    const other = await lifeboat(['region', 'start', 'eu-west-1'], {
      home: region.home.folder,
      environment,
    })
    expect(other.code).toBe(21)
    expectClear(other.stderr, 'DiskFull', /^error: the disk that holds .* is full$/)
    const { folder } = region.home
    const left = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    expect(left.filter((path) => /lock-of-|credentials\.json\./.test(path))).toEqual([])
    expect((await region.describe('shop-db'))?.DBInstanceIdentifier).toBe('shop-db')

    rmSync(filler)
    await region.untilAvailable('shop-db')
    await ledger.until(20)
    // Orders go on being placed: only what was acknowledged before the rows are read must be among them.
    const entries = ledger.entries()
    const rows = await rowsAt(await region.login('shop-db'))
    expect(lossesOf(rows, entries)).toEqual([])
    const moment = new Date(entries.at(-1)!.acknowledgedAt)
    await region.untilRestorable('shop-db', moment)
  } finally {
    await ledger?.close()
    await region.end()
  }
}, 180_000)

/** A region whose home is a tmpfs. Undefined where one cannot be mounted. */
async function onSmallDisk(size: string): Promise<TrialRegion | undefined> {
  if (process.getuid?.() !== 0) return undefined
  return await TrialRegion.start('full', {
    mount: (home) => {
      mkdirSync(home)
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=711`, 'tmpfs', home])
      return () => unmount(home)
    },
  })
}

function fill(file: string): void {
  try {
    writeFileSync(file, Buffer.alloc(1 << 29))
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' })
  }
  expect(statfsSync(file).bavail).toBe(0)
}

/** Writes until the database refuses. */
async function fillTable(login: Parameters<typeof connect>[0]): Promise<void> {
  const session = await connect(login).catch((refused: Error) => refused)
  if (session instanceof Error) return
  const insert =
    'insert into filler select repeat(md5(n::text), 30) from generate_series(1, 1000) n'
  for (let ended: unknown; ended === undefined; ) {
    ended = await session.query(insert).then(
      () => undefined,
      (refused: Error) => refused,
    )
  }
  await session.end()
}
