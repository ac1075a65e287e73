import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entryPoint } from '../core/entry-point.ts'
import { findPostgresBinaries, type PostgresBinaries } from './binaries.ts'
import { Cluster, type ClusterOptions, type ExitStatus } from './cluster.ts'
import { giveTo, serverAccount } from './server-account.ts'
import { readSystemIdentifier } from './system-identifier.ts'
import { Connection } from './wire/connection.ts'
import type { Row } from './wire/row.ts'

const isRoot = process.getuid?.() === 0
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

async function rows(cluster: Cluster, sql: string): Promise<Row[]> {
  const connection = await Connection.open(cluster.target())
  try {
    return await connection.query(sql)
  } finally {
    await connection.close()
  }
}

/**
 * Another process, in a group of its own, that runs a cluster with the compiled sources; resolves when it does.
 * Its last line of output is the postmaster's pid.
 */
async function clusterInAnotherProcess(
  settings: ClusterOptions & { templates: string },
  { uid, gid }: { uid?: number; gid?: number } = {},
): Promise<{ child: ChildProcess; postmaster: number }> {
  const program = `
    const { Cluster } = await import(${JSON.stringify(entryPoint(import.meta.url, './cluster.ts').href)})
    const cluster = await Cluster.create(${JSON.stringify(settings)})
    await cluster.start()
    console.log(cluster.pid)
    process.stdin.on('end', async () => { await cluster.stop(); process.exit(0) }).resume()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  })
  const lines = createInterface({ input: child.stdout! })
  for await (const line of lines) return { child, postmaster: Number(line) }
  throw new Error('the other process ended before its cluster ran')
}

const ended = (child: ChildProcess) => new Promise((resolve) => child.once('exit', resolve))

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  await expect.poll(isSo, { timeout: 60_000, interval: 10, message: what }).toBe(true)
}

const isAlive = (pid: number) => existsSync(`/proc/${pid}/cwd`)

describe.each([18, 15])('PostgreSQL %i', (major) => {
  const binaries = () => installed.find((one) => one.major === major)

  test('starts, answers with its own password and identifier, and stops', async (context) => {
    const found = binaries()
    if (!found) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const first = await Cluster.create(options(`a${major}`, found))
    const second = await Cluster.create(options(`b${major}`, found, "it's another, ünïcödé €"))
    await Promise.all([first.start(), second.start()])

    const [row] = await rows(first, 'select system_identifier::text id from pg_control_system()')
    expect(row?.id).toBe(String(await readSystemIdentifier(first.dataDirectory)))
    expect(await readSystemIdentifier(second.dataDirectory)).not.toBe(BigInt(row!.id!))
    expect(await rows(second, 'show data_checksums')).toEqual([{ data_checksums: 'on' }])
    await expect(
      Connection.open({ ...first.target(), password: "it's another, ünïcödé €" }),
    ).rejects.toMatchObject({ code: 'CredentialsRefused' })

    await Promise.all([first.stop(), second.stop()])
    expect(first.isRunning).toBe(false)
  })

  test('has right checksums on every page, also on the one with the password', async (context) => {
    const found = binaries()
    if (!found) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const cluster = await Cluster.create(options(`sums${major}`, found))
    await cluster.start()
    await rows(cluster, 'create extension amcheck')
    await rows(cluster, 'select rolname from pg_authid')
    const [row] = await rows(
      cluster,
      'select count(*) n from pg_class c, verify_heapam(c.oid) where relkind = $$r$$',
    )
    expect(row).toEqual({ n: '0' })
    await cluster.stop()
  })

  test('comes back from SIGKILL with every committed row, 5 times', {
    timeout: 180_000,
  }, async (context) => {
    const found = binaries()
    if (!found) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const cluster = await Cluster.create(options(`kill${major}`, found))
    await cluster.start()
    await rows(cluster, 'create table t (i int)')
    for (let round = 1; round <= 5; round++) {
      await rows(cluster, `insert into t values (${round})`)
      await cluster.kill()
      await cluster.start()
      expect(await rows(cluster, 'select count(*)::int n from t')).toEqual([{ n: String(round) }])
    }
    await cluster.stop()
  })

  test('when only its owner is killed, the server ends and the next owner has every row', async (context) => {
    const found = binaries()
    if (!found) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const settings = options(`orphan${major}`, found)
    const { child, postmaster } = await clusterInAnotherProcess(settings)
    await expect(Cluster.open(settings)).rejects.toMatchObject({ code: 'AlreadyRunning' })
    expect(isAlive(postmaster)).toBe(true)

    child.kill('SIGKILL')
    await ended(child)
    const cluster = await Cluster.open(settings)
    expect(isAlive(postmaster)).toBe(false)
    await cluster.start()
    expect(await rows(cluster, 'select 1 n')).toEqual([{ n: '1' }])
    await cluster.stop()
  })

  test('killing the process group takes the server; a busy backend does not block the next', async (context) => {
    const found = binaries()
    if (!found) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const settings = options(`group${major}`, found)
    const { child, postmaster } = await clusterInAnotherProcess(settings)
    const port = Number(
      (await readFile(join(settings.dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')[3],
    )
    const client = await Connection.open({
      host: '127.0.0.1',
      port,
      user: 'rdsadmin',
      password: 'correct horse',
    })
    const [row] = await client.query('select pg_backend_pid()::text pid')
    const busy = client
      .query("do 'declare i bigint := 0; begin loop i := i + 1; end loop; end'")
      .catch((error: Error) => error)
    process.kill(-child.pid!, 'SIGKILL')
    await ended(child)
    await until(() => !isAlive(postmaster), 'the postmaster is in the group')
    expect(isAlive(Number(row!.pid))).toBe(true)

    const cluster = await Cluster.open(settings)
    expect(isAlive(Number(row!.pid))).toBe(false)
    expect(await busy).toBeInstanceOf(Error)
    expect(cluster.port).toBe(port)
    await cluster.start()
    await cluster.stop()
    client.destroy()
  })
})

test('a kill leaves nothing of the shared memory behind', async () => {
  const memory = async () => ({
    files: (await readdir('/dev/shm')).filter((name) => name.startsWith('PostgreSQL.')),
    segments: (await readFile('/proc/sysvipc/shm', 'utf8'))
      .split('\n')
      .map((row) => row.trim().split(/\s+/)),
  })
  const cluster = await Cluster.create(options('memory', installed[0]!))
  const held = new Set<string>()
  for (let round = 0; round < 3; round++) {
    await cluster.start()
    const lock = (await readFile(join(cluster.dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')
    const segment = lock[6]!.trim().split(/\s+/)[1]!
    const maps = await readFile(`/proc/${cluster.pid}/maps`, 'utf8')
    const file = /PostgreSQL\.\d+/.exec(maps)![0]
    held.add(file)
    expect((await memory()).files).toContain(file)
    await cluster.kill()
    const left = await memory()
    expect(left.files.filter((name) => held.has(name))).toEqual([])
    expect(left.segments.filter((columns) => columns[1] === segment)).toEqual([])
  }
})

test('a reload has happened when it resolves', async () => {
  const cluster = await Cluster.create(options('reload', installed[0]!))
  await cluster.start()
  for (const value of ['7s', '8s', "it's \\ odd"]) {
    await cluster.configure({ 'lifeboat.mark': value })
    await cluster.reload()
    expect(await rows(cluster, 'show lifeboat.mark')).toEqual([{ 'lifeboat.mark': value }])
  }
  await expect(cluster.configure({ 'work_mem = 1\nport': '1' })).rejects.toMatchObject({
    code: 'InvalidUsage',
  })
  await cluster.stop()
})

test('a setting that PostgreSQL refuses is named in the error', async () => {
  const cluster = await Cluster.create({
    ...options('refused', installed[0]!),
    settings: { shared_buffers: 'plenty' },
  })
  await expect(cluster.start()).rejects.toMatchObject({
    code: 'PostgresFailed',
    message: expect.stringContaining('shared_buffers'),
    hint: expect.stringContaining(cluster.logFile),
  })
  expect(cluster.isRunning).toBe(false)
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

test('an unexpected end is an event, and the server can be started again', async () => {
  const cluster = await Cluster.create(options('event', installed[0]!))
  await cluster.start()
  const end = new Promise((resolve) => cluster.once('exit', resolve))
  process.kill(cluster.pid!, 'SIGKILL')
  expect(await end).toMatchObject({ signal: 'SIGKILL', error: { code: 'PostgresFailed' } })
  expect(cluster.isRunning).toBe(false)
  await cluster.start()
  await cluster.stop()
})

test('a server that somebody else started is left alone', async () => {
  const settings = options('foreign', installed[0]!)
  const cluster = await Cluster.create(settings)
  const account = serverAccount()
  const server = spawn(join(installed[0]!.bin, 'postgres'), ['-D', cluster.dataDirectory], {
    stdio: 'ignore',
    ...account,
  })
  await until(
    async () =>
      /ready/.test(
        await readFile(join(cluster.dataDirectory, 'postmaster.pid'), 'utf8').catch(() => ''),
      ),
    'the foreign server runs',
  )
  await expect(cluster.start()).rejects.toMatchObject({ code: 'AlreadyRunning' })
  await expect(Cluster.open(settings)).rejects.toMatchObject({ code: 'AlreadyRunning' })
  expect(server.exitCode).toBe(null)
  server.kill('SIGQUIT')
  await ended(server)
})

test('a pid that was given to another program does not block a start', async () => {
  const cluster = await Cluster.create(options('recycled', installed[0]!))
  await cluster.start()
  await cluster.kill()
  const stranger = spawn('sleep', ['60'], { cwd: cluster.dataDirectory, ...serverAccount() })
  const { writeFile } = await import('node:fs/promises')
  const lock = join(cluster.dataDirectory, 'postmaster.pid')
  await writeFile(lock, `${stranger.pid}\n${cluster.dataDirectory}\n0\n1\n\n\n\n`, { mode: 0o600 })
  await giveTo(lock, serverAccount())
  await cluster.start()
  expect(stranger.exitCode).toBe(null)
  await cluster.stop()
  stranger.kill()
})

test('in a session of its own, a server is spared by what is sent to our process group', async () => {
  const settings = { ...options('session', installed[0]!), ownSession: true }
  const { child, postmaster } = await clusterInAnotherProcess(settings)
  const group = (await readFile(`/proc/${postmaster}/stat`, 'utf8')).split(') ')[1]!.split(' ')[2]
  expect(group).toBe(String(postmaster))
  // The program dies all the same, and the server must not outlive it.
  process.kill(-child.pid!, 'SIGKILL')
  await ended(child)
  await until(() => !isAlive(postmaster), 'the server ends after its owner')
})

test('a folder that is in use is not overwritten', async () => {
  const settings = options('twice', installed[0]!)
  await Cluster.create(settings)
  const identifier = await readSystemIdentifier(settings.dataDirectory)
  await expect(Cluster.create(settings)).rejects.toMatchObject({ code: 'FolderNotUsable' })
  expect(await readSystemIdentifier(settings.dataDirectory)).toBe(identifier)
  expect(await readdir(join(folder, 'twice'))).toEqual(['data'])
})

test('the data directory is readable by its owner only, and nothing in it tells the password', async () => {
  const cluster = await Cluster.create(options('mode', installed[0]!, 'canary-4711'))
  await cluster.start()
  expect((await stat(cluster.dataDirectory)).mode & 0o777).toBe(0o700)
  const argv = await readFile(`/proc/${cluster.pid}/cmdline`, 'utf8')
  await cluster.stop()
  const files = await readdir(join(folder, 'mode'), { recursive: true, withFileTypes: true })
  const texts = await Promise.all(
    files
      .filter((file) => file.isFile())
      .map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
  )
  expect([argv, ...texts].filter((text) => text.includes('canary-4711'))).toEqual([])
})

describe.runIf(isRoot)('as root', () => {
  test('a folder that the account cannot enter is named', async () => {
    const closed = await mkdtemp(join(tmpdir(), 'lifeboat-closed-'))
    const attempt = Cluster.create({
      ...options('closed', installed[0]!),
      dataDirectory: join(closed, 'home', 'x', 'data'),
    })
    await expect(attempt).rejects.toMatchObject({
      code: 'FolderNotUsable',
      message: expect.stringContaining(`'${closed}'`),
    })
    expect(await readdir(closed)).toEqual([])
    await rm(closed, { recursive: true })
  })

  test('it works as an ordinary user too', async (context) => {
    const account = serverAccount()!
    const home = join(folder, 'ordinary')
    await mkdir(home)
    await giveTo(home, account)
    const settings = {
      ...options('ordinary', installed[0]!),
      dataDirectory: join(home, 'data'),
      templates: join(home, 'templates'),
    }
    const compiled = entryPoint(import.meta.url, './cluster.ts').pathname
    try {
      execFileSync('test', ['-r', compiled], { cwd: '/', ...account })
    } catch (error) {
      if ((error as { status?: number }).status !== 1) throw error
      return context.skip('skipped: an ordinary user cannot read this checkout')
    }
    const { child, postmaster } = await clusterInAnotherProcess(settings, account)
    expect((await stat(`/proc/${postmaster}`)).uid).toBe(account.uid)
    child.stdin!.end()
    expect(await ended(child)).toBe(0)
    expect(isAlive(postmaster)).toBe(false)
  })

  test('on a full disk nothing half-made stays, and a server comes back when there is room', async (context) => {
    const disk = join(folder, 'small-disk')
    await mkdir(disk, { mode: 0o711 })
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=100m,mode=711', 'lifeboat-test', disk], {
        stdio: 'ignore',
      })
    } catch (error) {
      if ((error as { status?: number }).status === undefined) throw error
      return context.skip('skipped: needs the right to mount')
    }
    let cluster: Cluster | undefined
    try {
      const filler = join(disk, 'filler')
      const settings = { ...options('full', installed[0]!), dataDirectory: join(disk, 'data') }
      execFileSync('fallocate', ['-l', '90M', filler])
      await expect(Cluster.create(settings)).rejects.toMatchObject({ code: 'DiskFull' })
      expect(await readdir(disk)).toEqual(['filler'])

      await rm(filler)
      cluster = await Cluster.create(settings)
      await cluster.start()
      await rows(cluster, 'create table t (x text)')
      const running = cluster
      let status: ExitStatus | undefined
      running.once('exit', (exit) => {
        status = exit
      })
      const text = 'insert into t select repeat(md5(i::text), 50) from generate_series(1, 100000) i'
      await expect(rows(running, text)).rejects.toThrow()
      // Either only the statement failed, or the server could not write its WAL and ended.
      const survived = async () => (await rows(running, 'select 1').catch(() => [])).length === 1
      await until(async () => status !== undefined || (await survived()), 'it lives or it ended')
      if (status) expect(status.error.code).toBe('DiskFull')
      await cluster.kill()
      execFileSync('mount', ['-o', 'remount,size=400m', disk])
      await cluster.start()
      expect(await rows(cluster, 'select count(*) n from t')).toEqual([{ n: '0' }])
      await cluster.stop()
    } finally {
      await cluster?.kill()
      execFileSync('umount', [disk])
    }
  })
})
