import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { parseLsn } from '../../src/core/lsn.ts'
import { Cluster } from '../../src/postgres/cluster.ts'
import { dropSlot, ensureSlot, listSlots } from '../../src/postgres/standby/slots.ts'
import {
  type Primary,
  promote,
  readProgress,
  receiveStandby,
  standbySettings,
} from '../../src/postgres/standby/standby.ts'
import type { Connection } from '../../src/postgres/wire/connection.ts'
import {
  contentOf,
  damageIn,
  ProtectedClusters,
  superuser,
  until,
} from '../harness/protected-cluster.ts'

let clusters: ProtectedClusters

beforeAll(async () => {
  clusters = await ProtectedClusters.open('standby')
})
afterAll(() => clusters.close())

/** A standby of a cluster, made over the wire. */
async function standbyOf(source: Cluster, name: string, settings: Record<string, string> = {}) {
  const sql = await clusters.connect(source)
  const slot = `slot_${name}`
  await ensureSlot(sql, slot)
  const primary: Primary = {
    host: '127.0.0.1',
    port: source.port,
    user: superuser.name,
    password: superuser.password,
    slot,
  }
  const dataDirectory = join(clusters.folder, name, 'data')
  await receiveStandby({ primary, into: dataDirectory })
  const passwordFile = join(clusters.folder, name, 'primary.pgpass')
  const cluster = await Cluster.open({
    dataDirectory,
    binaries: source.binaries,
    superuser,
    settings: { ...settings, ...(await standbySettings(primary, passwordFile)) },
  })
  clusters.closeLater(() => cluster.kill())
  await cluster.start()
  return { cluster, sql: await clusters.connect(cluster), primary: sql, slot }
}

const caughtUp = async (primary: Connection, standby: Connection) => {
  const [row] = await primary.query('select pg_current_wal_insert_lsn() lsn')
  await until(async () => {
    const progress = await readProgress(standby)
    return (progress?.replayedLsn ?? 0n) >= parseLsn(row!.lsn!)
  }, 'the standby has replayed all')
}

describe.each([18, 15])('PostgreSQL %i', (major) => {
  test('a standby follows its primary, survives kills, and becomes a primary itself', async (context) => {
    if (!clusters.binaries(major)) return context.skip(`needs PostgreSQL ${major}`)
    const source = await clusters.startAlone(`primary${major}`, { major })
    const sql = await clusters.connect(source)
    await sql.query('create table t as select i, md5(i::text) h from generate_series(1, 20000) i')
    await sql.query('create unlogged table gone as select 1 a')
    const standby = await standbyOf(source, `standby${major}`)
    await sql.query('insert into t select i from generate_series(20001, 30000) i')
    await caughtUp(sql, standby.sql)
    expect(await contentOf(standby.cluster)).toEqual(await contentOf(source))
    await expect(standby.sql.query('insert into t values (0)')).rejects.toMatchObject({
      sqlstate: '25006',
    })

    await standby.cluster.kill()
    await sql.query('delete from t where i % 2 = 0')
    await standby.cluster.start()
    const again = await clusters.connect(standby.cluster)
    await caughtUp(sql, again)
    const held = await contentOf(source)
    await source.kill()
    await until(async () => (await readProgress(again))?.isStreaming === false, 'it has noticed')
    await promote(again, { clock: systemClock })
    await promote(again, { clock: systemClock })
    expect(await readProgress(again)).toBeUndefined()
    const [row] = await again.query(
      'select substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline',
    )
    expect(row).toEqual({ timeline: '00000002' })
    expect(await contentOf(standby.cluster)).toEqual(held)
    await again.query('insert into t values (1)')
    expect(await damageIn(standby.cluster)).toEqual([])
  })
})

test('a slot keeps WAL for a standby that is away, until it is given up', async () => {
  const settings = { max_slot_wal_keep_size: '64MB', max_wal_size: '32MB', min_wal_size: '32MB' }
  const source = await clusters.startAlone('keeper', { settings })
  const sql = await clusters.connect(source)
  const standby = await standbyOf(source, 'kept')
  await caughtUp(sql, standby.sql)
  const slotOf = async () => (await listSlots(sql)).find(({ name }) => name === standby.slot)
  expect(await slotOf()).toMatchObject({ isActive: true, isLost: false })
  await standby.cluster.kill()
  await until(async () => (await slotOf())?.isActive === false, 'the primary has noticed')
  const fillSegment = "select pg_logical_emit_message(false, 'x', 'x'); select pg_switch_wal()"
  await sql.query(fillSegment)
  expect((await slotOf())?.keptBytes).toBeGreaterThan(1_000_000)
  for (let round = 0; round < 6; round++) await sql.query(fillSegment)
  await sql.query('checkpoint')
  await until(async () => (await slotOf())?.isLost === true, 'the slot is lost')
  await standby.cluster.start()
  const again = await clusters.connect(standby.cluster)
  await systemClock.sleep(1500)
  expect(await readProgress(again)).toMatchObject({ isStreaming: false })
  await dropSlot(sql, standby.slot)
  await dropSlot(sql, standby.slot)
  expect(await slotOf()).toBeUndefined()
})

test('a damaged page of the primary makes no standby', async () => {
  const source = await clusters.startAlone('damaged')
  const sql = await clusters.connect(source)
  await sql.query(
    "create table t as select repeat('x', 1000) from generate_series(1, 100); checkpoint",
  )
  const [row] = await sql.query("select pg_relation_filepath('t') as path")
  const file = await open(join(source.dataDirectory, row!.path!), 'r+')
  await file.write(Buffer.from('damaged'), 0, 7, 5000)
  await file.close()
  await expect(standbyOf(source, 'none')).rejects.toThrow('checksum')
  expect(await readdir(join(clusters.folder, 'none'))).toEqual([])
})
