import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { parseLsn } from '../core/lsn.ts'
import { findPostgresBinaries, type PostgresBinaries } from './binaries.ts'
import { Cluster } from './cluster.ts'
import { Protection } from './protection.ts'
import { Connection } from './wire/connection.ts'

const superuser = { name: 'rdsadmin', password: 'secret' }
let folder: string
let installed: PostgresBinaries[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-protection-'))
  await chmod(folder, 0o711)
  installed = await findPostgresBinaries({ cache: join(folder, 'postgresql') })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function protectedCluster(name: string, binaries: PostgresBinaries, settings = {}) {
  const cluster = await Cluster.create({
    dataDirectory: join(folder, name, 'data'),
    templates: join(folder, 'templates'),
    binaries,
    superuser,
    settings: { track_commit_timestamp: 'on', ...settings },
  })
  await cluster.start()
  const protection = await Protection.open({
    folder: join(folder, name, 'protection'),
    clock: systemClock,
  })
  await protection.attach(cluster)
  return { cluster, protection, sql: await Connection.open(cluster.target()) }
}

async function restored(
  protection: Protection,
  name: string,
  binaries: PostgresBinaries,
  to: Parameters<Protection['restore']>[0]['to'],
) {
  const cluster = await protection.restore({
    to,
    into: join(folder, name, 'data'),
    binaries,
    superuser,
  })
  return { cluster, sql: await Connection.open(cluster.target()) }
}

async function until(isTrue: () => boolean, what: string) {
  const end = performance.now() + 20_000
  while (!isTrue()) {
    if (performance.now() > end) throw new Error(`waited too long until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe.each([18, 15])('PostgreSQL %i', (major) => {
  test('a restore to a time holds every commit before it and none after', async (context) => {
    const binaries = installed.find((one) => one.major === major)
    if (!binaries) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const { cluster, protection, sql } = await protectedCluster(`exact${major}`, binaries)
    await sql.query('create table t (i int primary key, filler text)')
    await protection.backUp()
    for (let i = 1; i <= 400; i++) await sql.query(`insert into t values (${i}, repeat('x', 5000))`)
    const commits = await sql.query(
      `select i, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::bigint us from t order by i`,
    )
    const us = (i: number) => Number(commits[i - 1]!.us)
    await until(
      () => Number(protection.latestRestorableTime()) * 1000 > us(400),
      'all is restorable',
    )

    for (const [round, wanted] of [1, 57, 203, 399].entries()) {
      const time = new Date(Math.floor(us(wanted) / 1000))
      const expected = commits.filter((row) => Number(row.us) <= time.getTime() * 1000).length
      const copy = await restored(protection, `copy${major}-${round}`, binaries, { time })
      expect(await copy.sql.query('select count(*) n, max(i) m from t')).toEqual([
        { n: String(expected), m: expected === 0 ? null : String(expected) },
      ])
      await copy.sql.query('insert into t values (1000000)')
      await copy.sql.close()
      await copy.cluster.stop()
    }

    await expect(
      restored(protection, 'never', binaries, { time: new Date(Date.now() + 3_600_000) }),
    ).rejects.toMatchObject({
      code: 'RecoveryPointUnreachable',
      hint: expect.stringContaining('Z to '),
    })
    await sql.close()
    await protection.close()
    await cluster.stop()
  })

  test('six incrementals restore to what the live cluster holds', async (context) => {
    const binaries = installed.find((one) => one.major === major)
    if (!binaries) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const { cluster, protection, sql } = await protectedCluster(`incr${major}`, binaries)
    await sql.query(
      'create table t as select i, md5(i::text) h from generate_series(1, 200000) i; create index on t (i)',
    )
    const full = await protection.backUp({ kind: 'full' })
    for (let day = 1; day <= 6; day++) {
      await sql.query(`update t set h = md5('${day}' || i) where i between ${day} * 1000 and ${day} * 1000 + 4000;
        create table day${day} as select generate_series(1, 1000) g;
        ${day > 2 ? `drop table day${day - 2};` : ''} ${day === 4 ? 'truncate day4;' : ''}`)
      if (day === 3) await sql.query('create database other strategy file_copy')
      const incremental = await protection.backUp()
      expect(incremental.kind).toBe('incremental')
      expect(incremental.storedBytes).toBeLessThan(full.storedBytes / 2)
    }
    const sum = 'select count(*) n, sum(hashtext(h)::bigint) s from t'
    const live = await sql.query(sum)
    await sql.query('select pg_switch_wal()')
    const copy = await restored(protection, `incrcopy${major}`, binaries, 'latest')
    expect(await copy.sql.query(sum)).toEqual(live)
    await copy.sql.query(
      "create extension amcheck; select bt_index_check(c.oid, true) from pg_class c join pg_am on relam = pg_am.oid where amname = 'btree'",
    )
    expect(
      await copy.sql.query("select datname from pg_database where datname = 'other'"),
    ).toHaveLength(1)
    expect((await protection.verify()).faults).toEqual([])
    await copy.sql.close()
    await copy.cluster.stop()
    await sql.close()
    await protection.close()
    await cluster.stop()
  })
})

test('restore, write, back up, restore: three generations', async () => {
  const binaries = installed[0]!
  let { cluster, protection, sql } = await protectedCluster('gen0', binaries)
  await sql.query('create table t (generation int)')
  for (let generation = 1; generation <= 3; generation++) {
    await protection.backUp()
    await sql.query(`insert into t values (${generation})`)
    const [row] = await sql.query('select pg_current_wal_insert_lsn() lsn')
    await until(
      () => (protection.streaming()?.durableLsn ?? 0n) >= parseLsn(row!.lsn!),
      'the row is durable',
    )
    const copy = await restored(protection, `gen${generation}`, binaries, 'latest')
    await sql.close()
    await protection.close()
    await cluster.kill()

    expect(await copy.sql.query('select count(*) n from t')).toEqual([{ n: String(generation) }])
    cluster = copy.cluster
    sql = copy.sql
    protection = await Protection.open({
      folder: join(folder, `gen${generation}`, 'protection'),
      clock: systemClock,
    })
    await protection.attach(cluster)
  }
  await sql.close()
  await protection.close()
  await cluster.stop()
})
