import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { type Lsn, parseLsn } from '../../src/core/lsn.ts'
import type { Cluster } from '../../src/postgres/cluster.ts'
import { copyTree } from '../../src/postgres/copy-tree.ts'
import { giveTo, serverAccount } from '../../src/postgres/server-account.ts'
import { WalArchive } from '../../src/postgres/wal/wal-archive.ts'
import { WalReceiver } from '../../src/postgres/wal/wal-receiver.ts'
import { Connection } from '../../src/postgres/wire/connection.ts'
import { ProtectedClusters, until } from '../harness/protected-cluster.ts'

const SLOT = 'lifeboat'
const KILLS = Number(process.env.LIFEBOAT_KILLS ?? 5)
let world: ProtectedClusters

beforeAll(async () => {
  world = await ProtectedClusters.open('receiving')
})
afterAll(() => world.close())

const archiveOf = (name: string) =>
  WalArchive.open({ folder: join(world.folder, name, 'wal'), clock: systemClock })

async function lsnOf(sql: Connection) {
  const [row] = await sql.query('select pg_current_wal_insert_lsn() lsn')
  return parseLsn(row!.lsn!)
}

/** Compares every archived segment with the server's own; the server keeps all. */
async function expectServersBytes(archive: WalArchive, timeline: number, dataDirectory: string) {
  const kept = archive.find(timeline)!
  const { segmentBytes } = archive
  const prefix = timeline.toString(16).padStart(8, '0')
  let compared = 0
  for (const name of await readdir(join(dataDirectory, 'pg_wal'))) {
    if (!name.startsWith(prefix) || name.length !== 24) continue
    const number = Number.parseInt(name.slice(16), 16)
    const range = kept.ranges().find(({ from, to }) => {
      return Number(from) <= number * segmentBytes && number * segmentBytes < Number(to)
    })
    if (!range) continue
    const bytes = await kept.read(number)
    const written = await readFile(join(dataDirectory, 'pg_wal', name))
    expect(bytes.equals(written.subarray(0, bytes.length)), name).toBe(true)
    compared++
  }
  return compared
}

/** Writes from several sessions until it is stopped. */
function load(cluster: Cluster, sessions: number) {
  let isOn = true
  const writers = Array.from({ length: sessions }, async () => {
    const sql = await Connection.open(cluster.target())
    while (isOn) {
      await sql.query(`insert into t select i, repeat(md5(random()::text), ${1 + randomInt(20)})
        from generate_series(1, ${1 + randomInt(200)}) i`)
    }
    await sql.close()
  })
  return async () => {
    isOn = false
    await Promise.all(writers)
  }
}

test(`a receiver that is killed ${KILLS} times under load archives every byte once`, async () => {
  const cluster = await world.startAlone('killed', { settings: { wal_keep_size: '8GB' } })
  const sql = await Connection.open(cluster.target())
  await sql.query('create table t (i int, filler text)')
  const folder = join(world.folder, 'killed', 'wal')
  await mkdir(folder, { recursive: true })
  const stopLoad = load(cluster, 2)
  let acknowledged = 0n
  for (let round = 0; round < KILLS; round++) {
    const process_ = receiveInProcess(folder, cluster)
    const seen = await process_.untilDurable(1)
    await sleep(randomInt(150))
    await process_.kill()
    acknowledged = seen() > acknowledged ? seen() : acknowledged
    const archive = await WalArchive.open({ folder, clock: systemClock })
    const where = `round ${round}`
    expect(archive.find(1)!.end, where).toBeGreaterThanOrEqual(acknowledged)
    expect(archive.find(1)!.ranges(), where).toHaveLength(1)
    const [slot] = await sql.query('select restart_lsn from pg_replication_slots')
    expect(archive.find(1)!.end, where).toBeGreaterThanOrEqual(parseLsn(slot!.restart_lsn!))
    await archive.close()
  }
  await stopLoad()
  const archive = await WalArchive.open({ folder, clock: systemClock })
  const receiver = new WalReceiver({ source: cluster.target(), archive, slot: SLOT })
  await receiver.start()
  await receiver.waitUntilDurable(await lsnOf(sql), 30_000)
  await receiver.stop()
  expect(archive.gaps()).toEqual([])
  expect(await archive.verify()).toEqual([])
  await sql.close()
  await cluster.stop()
  expect(await expectServersBytes(archive, 1, cluster.dataDirectory)).toBeGreaterThan(2)
  await archive.close()
}, 300_000)

function receiveInProcess(folder: string, cluster: Cluster) {
  const child: ChildProcess = spawn(
    process.execPath,
    [
      join(import.meta.dirname, 'receiving-process.mjs'),
      JSON.stringify({ folder, target: cluster.target(), slot: SLOT }),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const exited = new Promise((resolve) => child.once('exit', resolve))
  let newest = 0n
  let lines = 0
  let rest = ''
  const onLine: (() => void)[] = []
  child.stdout!.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n')
    rest = parts.pop()!
    for (const line of parts) {
      expect(line).toMatch(/^\d+$/)
      newest = BigInt(line)
      lines++
    }
    for (const check of onLine) check()
  })
  return {
    async untilDurable(count: number): Promise<() => bigint> {
      await new Promise<void>((resolve, reject) => {
        const check = () => lines >= count && resolve()
        onLine.push(check)
        void exited.then(() => reject(new Error('the receiver ended by itself')))
        check()
      })
      return () => newest
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

test('a server that says nothing is given up, and a stop never waits for it', async () => {
  const cluster = await world.startAlone('silent')
  const cable = await Cable.to(cluster.target().port)
  const source = { ...cluster.target(), port: cable.port, connectTimeoutMs: 1_000 }
  const archive = await archiveOf('silent')
  const receiver = new WalReceiver({ source, archive, slot: SLOT, silenceMs: 900 })
  const problems: string[] = []
  receiver.on('problem', (problem) => problems.push((problem as Error).message))
  await receiver.start()
  cable.cut()
  await until(() => problems.length > 1, 'the silence is noticed')
  expect(problems[0]).toMatch(/said nothing/)
  expect(receiver.status().isConnected).toBe(false)
  cable.mend()
  await until(() => receiver.status().isConnected, 'it is connected again')
  expect(receiver.status().problem).toBeUndefined()

  await receiver.stop()

  const patient = new WalReceiver({ source, archive, slot: SLOT, silenceMs: 60_000 })
  await patient.start()
  cable.cut()
  const before = performance.now()
  await patient.stop()
  expect(performance.now() - before).toBeLessThan(30_000)
  await expect(receiver.waitUntilDurable((1n << 60n) as Lsn, 5_000)).rejects.toMatchObject({
    code: 'DatabaseUnreachable',
  })

  const second = new WalReceiver({ source, archive, slot: SLOT })
  const refused = expect(second.start()).rejects.toThrow()
  await second.stop()
  await refused
  await cable.close()
  await archive.close()
  await cluster.stop()
})

/** A TCP proxy that can fall silent without closing anything, as a network does. */
class Cable {
  #isCut = false
  readonly #sockets = new Set<Socket>()

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(port: number): Promise<Cable> {
    const server = createServer({ pauseOnConnect: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const cable = new Cable(server, (server.address() as { port: number }).port)
    server.on('connection', (near) => cable.#join(near, connectTcp(port, '127.0.0.1')))
    return cable
  }

  cut() {
    this.#isCut = true
    for (const socket of this.#sockets) socket.pause()
  }

  mend() {
    this.#isCut = false
    for (const socket of this.#sockets) socket.resume()
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.server.close(resolve))
  }

  #join(near: Socket, far: Socket) {
    const pairs: [Socket, Socket][] = [
      [near, far],
      [far, near],
    ]
    for (const [from, to] of pairs) {
      this.#sockets.add(from)
      from.on('data', (bytes) => to.write(bytes))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      if (this.#isCut) from.pause()
      else from.resume()
    }
  }
}

test('follows a server onto its next timeline without losing the end of the last one', async () => {
  const cluster = await world.startAlone('promoted', { settings: { wal_keep_size: '8GB' } })
  const archive = await archiveOf('promoted')
  const first = new WalReceiver({ source: cluster.target(), archive, slot: SLOT })
  await first.start()
  const sql = await Connection.open(cluster.target())
  await sql.query('create table t (i int, filler text)')
  await first.waitUntilDurable(await lsnOf(sql), 10_000)
  await first.stop()
  await sql.query('insert into t select i, md5(i::text) from generate_series(1, 300000) i')
  await sql.close()
  await cluster.stop()
  const signal = join(cluster.dataDirectory, 'standby.signal')
  await writeFile(signal, '')
  await giveTo(signal, serverAccount())
  await cluster.start()
  const again = await Connection.open(cluster.target())
  await again.query('select pg_promote(true, 30)')
  await again.query('insert into t select i, md5(i::text) from generate_series(1, 100000) i')

  const second = new WalReceiver({ source: cluster.target(), archive, slot: SLOT })
  await second.start()
  const end = await lsnOf(again)
  await until(() => second.status().timeline === 2, 'the second timeline has begun')
  await second.waitUntilDurable(end, 10_000)
  await second.stop()
  await again.close()
  await cluster.stop()
  const [, switchedAt = ''] = /^1\t(\S+)/.exec((await archive.historyFile(2))!) ?? []
  expect(archive.gaps()).toEqual([])
  expect(archive.find(1)!.end).toBe(parseLsn(switchedAt))
  const [branch] = archive.find(2)!.ranges()
  expect(branch!.from).toBeLessThanOrEqual(parseLsn(switchedAt))
  expect(branch!.to).toBeGreaterThanOrEqual(end)
  expect(await expectServersBytes(archive, 1, cluster.dataDirectory)).toBeGreaterThan(0)
  expect(await expectServersBytes(archive, 2, cluster.dataDirectory)).toBeGreaterThan(0)
  expect(await archive.verify()).toEqual([])
  await archive.close()
})

test('a lost slot loses nothing while the server still has the WAL, and is a gap when it has not', async () => {
  const cluster = await world.startAlone('slotless', {
    settings: { min_wal_size: '32MB', max_wal_size: '32MB', wal_keep_size: '0' },
  })
  const archive = await archiveOf('slotless')
  const sql = await Connection.open(cluster.target())
  await sql.query('create table t (i int)')
  const receive = async () => {
    const gaps: unknown[] = []
    const receiver = new WalReceiver({ source: cluster.target(), archive, slot: SLOT })
    receiver.on('gap', (gap) => gaps.push(gap))
    await receiver.start()
    await receiver.waitUntilDurable(await lsnOf(sql), 10_000)
    await receiver.stop()
    return gaps
  }
  expect(await receive()).toEqual([])
  await dropSlot(sql)
  await sql.query('insert into t select generate_series(1, 1000)')
  expect(await receive()).toEqual([])
  expect(archive.gaps()).toEqual([])

  await dropSlot(sql)
  for (let round = 0; round < 8; round++) {
    await sql.query(
      'insert into t select generate_series(1, 100000); select pg_switch_wal(); checkpoint',
    )
  }
  expect(await receive()).toHaveLength(1)
  expect(archive.gaps()).toHaveLength(1)
  const ranges = archive.find(1)!.ranges()
  expect(ranges).toHaveLength(2)
  expect(archive.gaps()[0]).toMatchObject({ from: ranges[0]!.to, to: ranges[1]!.from })
  await archive.close()
  const reopened = await archiveOf('slotless')
  expect(reopened.gaps()).toHaveLength(1)
  expect(await reopened.verify()).toEqual([])
  await reopened.close()
  await sql.close()
  await cluster.stop()
})

async function dropSlot(sql: Connection) {
  for (;;) {
    const [slot] = await sql.query('select active from pg_replication_slots')
    if (slot?.active === 'f') break
    await sleep(20)
  }
  await sql.query(`select pg_drop_replication_slot('${SLOT}')`)
}

test('refuses to go on with a server that was put back to an older state', async () => {
  const cluster = await world.startAlone('older')
  const archive = await archiveOf('older')
  await cluster.stop()
  const copy = join(world.folder, 'older', 'copy')
  await copyTree(cluster.dataDirectory, copy)
  await cluster.start()
  const first = new WalReceiver({ source: cluster.target(), archive, slot: SLOT })
  await first.start()
  const sql = await Connection.open(cluster.target())
  await sql.query('create table t as select i, md5(i::text) from generate_series(1, 50000) i')
  const end = await lsnOf(sql)
  await first.waitUntilDurable(end, 10_000)
  await first.stop()
  await sql.close()
  await cluster.stop()

  await rm(cluster.dataDirectory, { recursive: true })
  await copyTree(copy, cluster.dataDirectory, { account: serverAccount() })
  await cluster.start()
  const behind = new WalReceiver({ source: cluster.target(), archive, slot: SLOT })
  await expect(behind.start()).rejects.toMatchObject({ code: 'VaultDamaged' })

  const other = await Connection.open(cluster.target())
  await other.query('create table u as select i, md5(i::text) from generate_series(1, 200000) i')
  expect(await lsnOf(other)).toBeGreaterThan(end)
  const kept = archive.find(1)!.end
  const ahead = new WalReceiver({ source: cluster.target(), archive, slot: SLOT })
  const problems: unknown[] = []
  ahead.on('problem', (problem) => problems.push(problem))
  await ahead.start()
  await until(() => problems.length > 0, 'the difference is noticed')
  expect(problems[0]).toMatchObject({ code: 'VaultDamaged' })
  await ahead.stop()
  expect(archive.find(1)!.end).toBe(kept)
  await other.close()
  await archive.close()
  await cluster.stop()
})
