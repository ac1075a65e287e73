import { randomInt } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { parseLsn } from '../../core/lsn.ts'
import { findPostgresBinaries, type PostgresBinaries } from '../binaries.ts'
import { Cluster } from '../cluster.ts'
import { Connection } from '../wire/connection.ts'
import { newestMoment } from './timeline-archive.ts'
import { WalArchive } from './wal-archive.ts'
import { WalReceiver } from './wal-receiver.ts'

let folder: string
let installed: PostgresBinaries[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-wal-'))
  await chmod(folder, 0o711)
  installed = await findPostgresBinaries({ cache: join(folder, 'postgresql') })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function startCluster(name: string, binaries: PostgresBinaries, settings = {}) {
  const cluster = await Cluster.create({
    dataDirectory: join(folder, name, 'data'),
    templates: join(folder, 'templates'),
    binaries,
    superuser: { name: 'rdsadmin', password: 'secret' },
    settings,
  })
  await cluster.start()
  return cluster
}

const openArchive = (name: string, encryptionKey?: Buffer) =>
  WalArchive.open({ folder: join(folder, name, 'wal'), encryptionKey, clock: systemClock })

async function receive(cluster: Cluster, archive: WalArchive) {
  const receiver = new WalReceiver({ source: cluster.target(), archive, slot: 'lifeboat' })
  await receiver.start()
  return receiver
}

async function insertLsn(connection: Connection) {
  const [row] = await connection.query('select pg_current_wal_insert_lsn() lsn')
  return parseLsn(row!.lsn!)
}

describe.each([18, 15])('PostgreSQL %i', (major) => {
  test('archives the very bytes that the server wrote, and knows its commits', async (context) => {
    const binaries = installed.find((one) => one.major === major)
    if (!binaries) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const cluster = await startCluster(`bytes${major}`, binaries, { wal_keep_size: '1GB' })
    const key = major === 18 ? Buffer.alloc(32, 7) : undefined
    const archive = await openArchive(`bytes${major}`, key)
    const receiver = await receive(cluster, archive)
    const connection = await Connection.open(cluster.target())
    await connection.query('create table t (at timestamptz, filler text)')
    for (let round = 0; round < 40; round++) {
      await connection.query(
        `insert into t select clock_timestamp(), repeat(md5(i::text), 200) from generate_series(1, 200) i`,
      )
      if (round % 15 === 7) await connection.query('select pg_switch_wal()')
    }
    await connection.query('create extension if not exists plpgsql')
    await receiver.waitUntilDurable(await insertLsn(connection), 10_000)
    await receiver.stop()
    await connection.close()
    await cluster.stop()

    const timeline = archive.find(1)!
    const [range] = timeline.ranges()
    expect(timeline.ranges()).toHaveLength(1)
    const firstNumber = Number(range!.from) / archive.segmentBytes
    const names = (await readdir(join(cluster.dataDirectory, 'pg_wal'))).filter((name) =>
      /^[0-9A-F]{24}$/.test(name),
    )
    let compared = 0
    for (const name of names) {
      const number = Number.parseInt(name.slice(16), 16)
      if (number < firstNumber || number >= Number(range!.to) / archive.segmentBytes) continue
      const kept = await timeline.read(number)
      const written = await readFile(join(cluster.dataDirectory, 'pg_wal', name))
      expect(kept.equals(written.subarray(0, kept.length))).toBe(true)
      compared++
    }
    expect(compared).toBeGreaterThan(2)
    expect(await archive.verify()).toEqual([])
    await archive.close()

    const reopened = await openArchive(`bytes${major}`, key)
    expect(reopened.find(1)!.ranges()).toEqual(timeline.ranges())
    await reopened.close()
  })

  test('finds the first commit after any moment, as the server timed it', async (context) => {
    const binaries = installed.find((one) => one.major === major)
    if (!binaries) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const cluster = await startCluster(`commits${major}`, binaries, {
      track_commit_timestamp: 'on',
    })
    const archive = await openArchive(`commits${major}`)
    const receiver = await receive(cluster, archive)
    const connection = await Connection.open(cluster.target())
    await connection.query('create table t (i int, filler text)')
    for (let i = 0; i < 120; i++) {
      await connection.query(`insert into t values (${i}, repeat('x', ${randomInt(200_000)}))`)
    }
    await receiver.waitUntilDurable(await insertLsn(connection), 10_000)
    const commits = await connection.query(
      `select i, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::bigint us from t order by i`,
    )
    await connection.close()
    const timeline = archive.find(1)!
    const { from } = timeline.ranges()[0]!
    for (let i = 0; i < 119; i++) {
      const after = await timeline.firstCommitAfter(Number(commits[i]!.us), from)
      expect(after).toBeDefined()
      expect(after!.timeUs).toBeGreaterThan(Number(commits[i]!.us))
      expect(after!.timeUs).toBeLessThanOrEqual(Number(commits[i + 1]!.us))
      if (i % 40 !== 0) continue
      const exactly = await timeline.firstCommitAfter(Number(commits[i]!.us) - 1, from)
      expect(exactly!.timeUs).toBe(Number(commits[i]!.us))
    }
    await receiver.stop()
    await archive.close()
    await cluster.stop()
  })
})

test('the latest restorable time moves on while nobody writes', async () => {
  const cluster = await startCluster('idle', installed[0]!)
  const archive = await openArchive('idle')
  const receiver = await receive(cluster, archive)
  const durable = () => new Promise((resolve) => receiver.once('durable', resolve))
  const newest = () => {
    const range = archive.find(1)?.ranges().at(-1)
    return Number((range && newestMoment(range)) ?? 0)
  }
  const isFresh = () => Date.now() - newest() < 5_000
  // The oldest commits are those of the template, which was made before.
  while (!isFresh()) await durable()
  const first = newest()
  while (newest() <= first) await durable()
  expect(isFresh()).toBe(true)
  await receiver.stop()
  await archive.close()
  await cluster.stop()
})

test('WAL that was recycled while nobody listened is a gap on record, never one window', async () => {
  const cluster = await startCluster('gap', installed[0]!, {
    max_slot_wal_keep_size: '16MB',
    min_wal_size: '32MB',
    max_wal_size: '32MB',
    wal_keep_size: '0',
  })
  const archive = await openArchive('gap')
  const before = await receive(cluster, archive)
  const connection = await Connection.open(cluster.target())
  await connection.query('create table t (i int)')
  await before.waitUntilDurable(await insertLsn(connection), 10_000)
  await before.stop()

  for (let round = 0; round < 8; round++) {
    await connection.query(
      'insert into t select generate_series(1, 100000); select pg_switch_wal(); checkpoint',
    )
  }
  const gaps: unknown[] = []
  const after = new WalReceiver({ source: cluster.target(), archive, slot: 'lifeboat' })
  after.on('gap', (gap) => gaps.push(gap))
  await after.start()
  await after.waitUntilDurable(await insertLsn(connection), 10_000)

  expect(gaps).toHaveLength(1)
  expect(archive.gaps()).toHaveLength(1)
  const ranges = archive.find(1)!.ranges()
  expect(ranges).toHaveLength(2)
  expect(ranges[1]!.from).toBe(archive.gaps()[0]!.to)
  await connection.close()
  await after.stop()
  await archive.close()
  await cluster.stop()
})

test('every flipped bit is found by verify', async () => {
  const cluster = await startCluster('flip', installed[0]!)
  const archive = await openArchive('flip')
  const receiver = await receive(cluster, archive)
  const connection = await Connection.open(cluster.target())
  await connection.query(
    'create table t as select i, md5(i::text) from generate_series(1, 200000) i; select pg_switch_wal(); create table u ()',
  )
  await receiver.waitUntilDurable(await insertLsn(connection), 10_000)
  await connection.close()
  await receiver.stop()
  await archive.close()
  await cluster.stop()

  const place = join(folder, 'flip', 'wal', '00000001')
  const files = await readdir(place)
  expect(files.some((name) => name.endsWith('.wal'))).toBe(true)
  const sound = await openArchive('flip')
  expect(await sound.verify()).toEqual([])
  await sound.close()
  for (let round = 0; round < 40; round++) {
    const file = join(place, files[round % files.length]!)
    const whole = await readFile(file)
    const damaged = Buffer.from(whole)
    damaged[randomInt(whole.length)]! ^= 1 << randomInt(8)
    const opened = await openArchive('flip')
    await writeFile(file, damaged)
    expect((await opened.verify()).map((fault) => fault.file)).toContain(file)
    await writeFile(file, whole)
    await opened.close()
  }
})
