import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseLsn } from '../../src/core/lsn.ts'
import { giveTo, serverAccount } from '../../src/postgres/server-account.ts'
import {
  archived,
  contentOf,
  damageIn,
  type Protected,
  ProtectedClusters,
  superuser,
  until,
} from '../harness/protected-cluster.ts'

let clusters: ProtectedClusters

beforeAll(async () => {
  clusters = await ProtectedClusters.open('protection')
})
afterAll(() => clusters.close())

async function stop({ cluster, protection, sql }: Protected) {
  await sql.close()
  await protection.close()
  await cluster.stop()
}

describe.each([18, 15])('PostgreSQL %i', (major) => {
  test('a restore to a time holds every commit before it and none after', async (context) => {
    if (!clusters.binaries(major)) return context.skip(`needs PostgreSQL ${major}`)
    const source = await clusters.start(`exact${major}`, { major })
    const { protection, sql } = source
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
      const copy = await clusters.restore(protection, `copy${major}-${round}`, { time }, major)
      expect(await copy.sql.query('select count(*) n, max(i) m from t')).toEqual([
        { n: String(expected), m: expected === 0 ? null : String(expected) },
      ])
      await copy.sql.query('insert into t values (1000000)')
      await copy.cluster.stop()
    }

    const time = new Date(Date.now() + 3_600_000)
    await expect(clusters.restore(protection, 'never', { time }, major)).rejects.toMatchObject({
      code: 'RecoveryPointUnreachable',
      hint: expect.stringContaining('Z to '),
    })
    await stop(source)
  })
})

test('restore, write, back up, restore: three generations', async () => {
  let source = await clusters.start('gen0')
  await source.sql.query('create table t (generation int)')
  for (let generation = 1; generation <= 3; generation++) {
    await source.protection.backUp()
    await source.sql.query(`insert into t values (${generation})`)
    await archived(source)
    const copy = await clusters.restore(source.protection, `gen${generation}`, 'latest')
    await source.protection.close()
    await source.cluster.kill()

    expect(await copy.sql.query('select count(*) n from t')).toEqual([{ n: String(generation) }])
    const timeline = await copy.sql.query('select timeline_id from pg_control_checkpoint()')
    expect(timeline).toEqual([{ timeline_id: String(generation + 1) }])
    const protection = await clusters.protect(`gen${generation}`)
    await protection.attach(copy.cluster)
    source = { ...copy, protection }
  }
  // Incrementals on a timeline above 1.
  const full = await source.protection.backUp()
  await source.sql.query(
    'insert into t values (4); create table u as select generate_series(1, 1000)',
  )
  const incremental = await source.protection.backUp()
  expect([full.kind, incremental.kind]).toEqual(['full', 'incremental'])
  expect(incremental.timeline).toBe(4)
  await archived(source)
  const copy = await clusters.restore(source.protection, 'gen4', 'latest')
  expect(await contentOf(copy.cluster)).toEqual(await contentOf(source.cluster))
  expect(await damageIn(copy.cluster)).toEqual([])
  await copy.cluster.stop()
  await stop(source)
})

test('a restore to a position ends exactly there, also where no record ends', async () => {
  const source = await clusters.start('lsn')
  await source.sql.query('create table t (i int)')
  const backup = await source.protection.backUp()
  const [before] = await source.sql.query('select pg_current_wal_insert_lsn() lsn')
  await source.sql.query('insert into t values (1)')
  const [after] = await source.sql.query('select pg_current_wal_insert_lsn() lsn')
  await source.sql.query('insert into t values (2)')
  await archived(source)

  const lsn = parseLsn(after!.lsn!)
  for (const [name, at, expected] of [
    ['lsn-at', lsn, '1'],
    ['lsn-in', lsn + 5n, '1'],
    ['lsn-before', parseLsn(before!.lsn!), '0'],
  ] as const) {
    const copy = await clusters.restore(source.protection, name, { lsn: at as never })
    expect(await copy.sql.query('select count(*) n from t')).toEqual([{ n: expected }])
    await copy.cluster.stop()
  }
  const atBackup = await clusters.restore(source.protection, 'lsn-backup', { backup: backup.id })
  expect(await atBackup.sql.query('select count(*) n from t')).toEqual([{ n: '0' }])
  await expect(
    clusters.restore(source.protection, 'lsn-never', { lsn: (lsn + 1_000_000_000n) as never }),
  ).rejects.toMatchObject({ code: 'RecoveryPointUnreachable' })
  expect(await readdir(clusters.folder)).not.toContain('lsn-never')
  await stop(source)
})

test('WAL that was lost while nobody listened splits the window and is backed up behind by itself', async () => {
  const source = await clusters.start('gap', {
    settings: {
      max_slot_wal_keep_size: '64MB',
      min_wal_size: '32MB',
      max_wal_size: '32MB',
      wal_keep_size: '0',
    },
  })
  const { cluster, protection, sql } = source
  await sql.query('create table t (i int)')
  await protection.backUp()
  await sql.query('insert into t values (-1)')
  const written = Date.now()
  await until(() => Number(protection.latestRestorableTime()) > written, 'the row is restorable')
  await protection.detach()
  for (let round = 0; round < 8; round++) {
    await sql.query(
      'insert into t select generate_series(1, 100000); select pg_switch_wal(); checkpoint',
    )
  }
  await sql.query('alter system set max_slot_wal_keep_size = -1')
  await sql.query('select pg_reload_conf()')
  const gaps: unknown[] = []
  const problems: unknown[] = []
  protection.on('gap', (gap) => gaps.push(gap))
  protection.on('problem', (problem) => problems.push(problem))
  await protection.attach(cluster)

  await until(() => protection.backups().length === 2, 'another base backup is there')
  expect(gaps).toHaveLength(1)
  expect(problems).toEqual([])
  await sql.query('insert into t values (-2)')
  const now = Date.now()
  await until(() => Number(protection.latestRestorableTime()) > now, 'the end is restorable')
  const [before, after] = protection.restoreWindows()
  expect(protection.restoreWindows()).toHaveLength(2)

  const old = await clusters.restore(protection, 'gap-old', { time: before!.latest })
  expect(await old.sql.query('select count(*) n from t')).toEqual([{ n: '1' }])
  const recent = await clusters.restore(protection, 'gap-new', 'latest')
  expect(await recent.sql.query('select count(*) n from t')).toEqual([{ n: '800002' }])
  const between = new Date((Number(before!.latest) + Number(after!.earliest)) / 2)
  await expect(clusters.restore(protection, 'gap-in', { time: between })).rejects.toMatchObject({
    code: 'RecoveryPointUnreachable',
  })
  await stop(source)
})

test('a copy of a backup outlives the retention and the cluster', async () => {
  const source = await clusters.start('export')
  const { cluster, protection, sql } = source
  await sql.query('create table t as select generate_series(1, 50000) i')
  await protection.backUp()
  await sql.query('delete from t where i > 40000')
  const wanted = await protection.backUp()
  const content = await contentOf(cluster)
  await protection.exportBackup(wanted.id, clusters.protectionFolder('snapshot'))
  await sql.query('delete from t')
  await protection.backUp()
  await protection.expire({ keepFrom: new Date(Date.now() + 60_000) })
  expect(protection.backups().map(({ id }) => id)).not.toContain(wanted.id)
  await stop(source)
  await rm(clusters.protectionFolder('export'), { recursive: true })

  const snapshot = await clusters.protect('snapshot')
  expect(snapshot.backups().map(({ id }) => id)).toEqual([wanted.id])
  expect((await snapshot.verify()).faults).toEqual([])
  const copy = await clusters.restore(snapshot, 'snapshot-copy', { backup: wanted.id })
  expect(await contentOf(copy.cluster)).toEqual(content)
})

test('the retention keeps every moment that it promises and deletes what only others need', async () => {
  const source = await clusters.start('expire')
  const { protection, sql } = source
  await sql.query('create table t (i int)')
  const backups = []
  for (let i = 1; i <= 4; i++) {
    await sql.query(`insert into t values (${i}); select pg_switch_wal()`)
    backups.push(await protection.backUp())
    await archived(source)
  }
  const keepFrom = new Date(Number(backups[2]!.completedAt) + 1)
  await sql.query('insert into t values (5)')
  await until(() => protection.latestRestorableTime()! > keepFrom, 'the moment is restorable')
  const stored = await protection.storedBytes()
  await protection.expire({ keepFrom })

  expect(protection.backups().map(({ id }) => id)).toEqual(backups.slice(2).map(({ id }) => id))
  expect(await protection.storedBytes()).toBeLessThan(stored)
  expect((await protection.verify()).faults).toEqual([])
  const copy = await clusters.restore(protection, 'expire-copy', { time: keepFrom })
  expect(await copy.sql.query('select count(*) n from t')).toEqual([{ n: '3' }])
  await expect(
    clusters.restore(protection, 'expired', { time: backups[1]!.completedAt }),
  ).rejects.toMatchObject({ code: 'RecoveryPointUnreachable' })
  await stop(source)
})

test('a restore goes to a folder of its own, and tells when it is open and when it is durable', async () => {
  const source = await clusters.start('place')
  await source.protection.backUp()
  const taken = join(clusters.folder, 'taken', 'data')
  await mkdir(taken, { recursive: true })
  await writeFile(join(taken, 'something'), 'precious')
  await expect(clusters.restore(source.protection, 'taken', 'latest')).rejects.toMatchObject({
    code: 'FolderNotUsable',
  })
  expect(await readdir(taken)).toEqual(['something'])

  const into = join(clusters.folder, 'place-copy', 'data')
  let whenOpen: string[] = []
  const cluster = await source.protection.restore({
    to: 'latest',
    into,
    binaries: clusters.binaries()!,
    superuser,
    onOpen: async () => {
      whenOpen = await readdir(into)
    },
  })
  expect(whenOpen).toContain('lifeboat.restoring')
  expect(await readdir(into)).not.toContain('lifeboat.restoring')
  const sql = await clusters.connect(cluster)
  expect(await sql.query('show fsync')).toEqual([{ fsync: 'on' }])
  await cluster.stop()
  await stop(source)
})

test('a tablespace that is created after the backup is restored apart from the living one', async () => {
  const source = await clusters.start('placed')
  const { cluster, protection, sql } = source
  await protection.backUp()
  const location = join(clusters.folder, 'a-folder-for-the-tablespace')
  await mkdir(location)
  await giveTo(location, serverAccount())
  // Pages before it, so that the record lies somewhere within.
  await sql.query('create table before as select generate_series(1, 3000) i')
  await sql.query(`create tablespace elsewhere location '${location}'`)
  await sql.query('create table far (i int) tablespace elsewhere')
  await sql.query('insert into far select generate_series(1, 20000)')
  // So that the living one could not repair its files by replaying its own WAL.
  await sql.query('checkpoint')
  await archived(source)
  const content = await contentOf(cluster)

  const copy = await clusters.restore(protection, 'placed-copy', 'latest')
  expect(await contentOf(copy.cluster)).toEqual(content)
  await copy.sql.query('delete from far; insert into far values (1)')
  await copy.sql.query('vacuum full far')
  await copy.sql.query('checkpoint')
  expect(
    await sql.query(
      `select pg_tablespace_location(oid) l from pg_tablespace where spcname = 'elsewhere'`,
    ),
  ).toEqual([{ l: location }])
  await cluster.stop('immediate')
  await cluster.start()
  expect(await contentOf(cluster)).toEqual(content)
  expect(await damageIn(cluster)).toEqual([])
  // The restored one survives a crash too.
  await copy.cluster.stop('immediate')
  await copy.cluster.start()
  const again = await clusters.connect(copy.cluster)
  expect(await again.query('select count(*) n from far')).toEqual([{ n: '1' }])
})
