import { chmod, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPostgresBinaries, type PostgresBinaries } from './binaries.ts'
import { Cluster } from './cluster.ts'
import { readSystemIdentifier } from './system-identifier.ts'
import { Connection } from './wire/connection.ts'

let folder: string
let installed: PostgresBinaries[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-cluster-'))
  await chmod(folder, 0o711)
  installed = await findPostgresBinaries({ cache: join(folder, 'postgresql') })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function options(name: string, binaries: PostgresBinaries, password = 'correct horse') {
  return {
    dataDirectory: join(folder, name, 'data'),
    templates: join(folder, 'templates'),
    binaries,
    superuser: { name: 'rdsadmin', password },
  }
}

async function rows(cluster: Cluster, sql: string) {
  const connection = await Connection.open(cluster.target())
  try {
    return await connection.query(sql)
  } finally {
    await connection.close()
  }
}

test('the embedded binaries are found, and every major once', () => {
  expect(installed.map((one) => one.source)).toContain('embedded')
  expect(new Set(installed.map((one) => one.major)).size).toBe(installed.length)
})

describe.each([18, 15])('PostgreSQL %i', (major) => {
  const binaries = () => installed.find((one) => one.major === major)

  test('starts, answers with its own password and identifier, and stops', async (context) => {
    const found = binaries()
    if (!found) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const first = await Cluster.create(options(`a${major}`, found))
    const second = await Cluster.create(options(`b${major}`, found, "it's another"))
    await Promise.all([first.start(), second.start()])

    const [row] = await rows(first, 'select system_identifier::text id from pg_control_system()')
    expect(row?.id).toBe(String(await readSystemIdentifier(first.dataDirectory)))
    expect(await readSystemIdentifier(second.dataDirectory)).not.toBe(BigInt(row!.id!))
    expect(await rows(second, 'show data_checksums')).toEqual([{ data_checksums: 'on' }])
    await expect(
      Connection.open({ ...first.target(), password: "it's another" }),
    ).rejects.toMatchObject({ code: 'CredentialsRefused' })

    await Promise.all([first.stop(), second.stop()])
    expect(first.isRunning).toBe(false)
  })

  test('comes back from SIGKILL with every committed row, 20 times', async (context) => {
    const found = binaries()
    if (!found) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const cluster = await Cluster.create(options(`kill${major}`, found))
    await cluster.start()
    await rows(cluster, 'create table t (i int)')
    for (let round = 1; round <= 20; round++) {
      await rows(cluster, `insert into t values (${round})`)
      await cluster.kill()
      await cluster.start()
      expect(await rows(cluster, 'select count(*)::int n from t')).toEqual([{ n: String(round) }])
    }
    await cluster.stop()
  })

  test('ends the server that a killed parent left behind', async (context) => {
    const found = binaries()
    if (!found) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const settings = options(`orphan${major}`, found)
    const forgotten = await Cluster.create(settings)
    await forgotten.start()
    await rows(forgotten, 'create table t (); select pg_current_wal_lsn()')
    const ended = new Promise((resolve) => forgotten.once('exit', resolve))

    const cluster = await Cluster.open(settings)
    await ended
    await cluster.start()
    expect(cluster.port).toBe(forgotten.port)
    expect(await rows(cluster, 'select count(*) n from t')).toEqual([{ n: '0' }])
    await cluster.stop()
  })
})

test('a taken port is named, and nothing is left running', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  const { port } = taken.address() as { port: number }
  const cluster = await Cluster.create({ ...options('port', installed[0]!), port })
  await expect(cluster.start()).rejects.toMatchObject({
    code: 'PortTaken',
    message: expect.stringContaining(String(port)),
  })
  expect(cluster.isRunning).toBe(false)
  taken.close()
})

test('an unexpected end is an event', async () => {
  const cluster = await Cluster.create(options('event', installed[0]!))
  await cluster.start()
  const ended = new Promise((resolve) => cluster.once('exit', resolve))
  process.kill(cluster.pid!, 'SIGKILL')
  expect(await ended).toEqual({ code: null, signal: 'SIGKILL' })
  expect(cluster.isRunning).toBe(false)
})

test.runIf(process.getuid?.() === 0)(
  'a folder that the account cannot enter is named',
  async () => {
    const closed = await mkdtemp(join(tmpdir(), 'lifeboat-closed-'))
    const inner = join(closed, 'home', 'x')
    const attempt = Cluster.create({
      ...options('closed', installed[0]!),
      dataDirectory: join(inner, 'data'),
    })
    await expect(attempt).rejects.toMatchObject({ code: 'FolderNotUsable' })
    expect(await readdir(closed)).toEqual([])
    await rm(closed, { recursive: true })
  },
)

test('the data directory is readable by its owner only', async () => {
  const cluster = await Cluster.create(options('mode', installed[0]!))
  expect((await stat(cluster.dataDirectory)).mode & 0o777).toBe(0o700)
})
