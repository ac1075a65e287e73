import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { giveTo, serverAccount } from '../../src/postgres/server-account.ts'
import type { BaseBackup } from '../../src/postgres/vault/manifest.ts'
import {
  archived,
  contentOf,
  damageIn,
  type Protected,
  ProtectedClusters,
} from '../harness/protected-cluster.ts'

let clusters: ProtectedClusters

beforeAll(async () => {
  clusters = await ProtectedClusters.open('incremental')
})
afterAll(() => clusters.close())

/** What a day brings, between one backup and the next. `:place` is a folder for a tablespace. */
const DAYS: readonly (readonly string[])[] = [
  [
    'create table orders as select i, md5(i::text) h, repeat(md5(i::text), 8) filler from generate_series(1, 60000) i',
    'create unique index on orders (i)',
    'create index on orders (h)',
    'create table shrinking as select i, repeat(md5(i::text), 8) filler from generate_series(1, 20000) i',
    'create table truncated as select i, repeat(md5(i::text), 8) filler from generate_series(1, 20000) i',
    "create table toasted as select i, (select string_agg(md5((i * j)::text), '') from generate_series(1, 300) j) t from generate_series(1, 100) i",
    'create unlogged table unlogged as select generate_series(1, 1000) i',
    'create sequence numbers',
    "create tablespace elsewhere location ':place'",
    'create table placed tablespace elsewhere as select i, md5(i::text) h from generate_series(1, 20000) i',
    'create database doomed',
    'create database kept',
  ],
  [
    "update orders set h = md5('1' || i) where i % 500 = 0",
    'truncate truncated',
    'drop database doomed',
    "insert into placed select i, 'new' from generate_series(1, 100) i",
    "select nextval('numbers') from generate_series(1, 100)",
    'vacuum orders',
  ],
  [
    'insert into truncated select i, md5(i::text) from generate_series(1, 5000) i',
    'create database copied template kept strategy file_copy',
    'create database logged template kept strategy wal_log',
    'delete from shrinking where i > 8000',
    'vacuum shrinking',
    'alter table placed set tablespace pg_default',
    'create table growing as select generate_series(1, 100) i',
  ],
  [
    "insert into shrinking select i, 'again' from generate_series(1, 5000) i",
    'insert into growing select generate_series(1, 100000) i',
    'alter table growing set tablespace elsewhere',
    "update toasted set t = t || 'x' where i % 7 = 0",
    'vacuum full truncated',
    'reindex table orders',
    'drop table placed',
    'drop database logged',
  ],
  [
    // Only hint bits and visibility, which leave no record of their own without checksums.
    'select count(*) from orders',
    'vacuum freeze orders',
    'insert into unlogged select generate_series(1, 5000)',
    'begin; create table brief as select 1 a; truncate brief; insert into brief values (2); commit',
  ],
]

/** Runs one day and takes a backup; returns what was there at its end. */
async function backUpDay(source: Protected, day: readonly string[], place: string) {
  for (const statement of day) await source.sql.query(statement.replaceAll(':place', place))
  const backup = await source.protection.backUp()
  return { backup, content: await contentOf(source.cluster) }
}

async function expectRestored(
  source: Protected,
  name: string,
  days: readonly { backup: BaseBackup; content: unknown }[],
  major: number,
) {
  for (const [day, { backup, content }] of days.entries()) {
    const to = { backup: backup.id }
    const copy = await clusters.restore(source.protection, `${name}-day${day}`, to, major)
    expect(await contentOf(copy.cluster)).toEqual(content)
    expect(await copy.sql.query('select count(*) n from unlogged')).toEqual([{ n: '0' }])
    expect(await damageIn(copy.cluster)).toEqual([])
    await copy.cluster.stop()
    await rm(join(clusters.folder, `${name}-day${day}`), { recursive: true })
  }
}

async function tablespaceFolder(name: string): Promise<string> {
  const folder = join(clusters.folder, name, 'tablespace')
  await mkdir(folder, { recursive: true })
  await giveTo(folder, serverAccount())
  return folder
}

describe.each([18, 15])('PostgreSQL %i', (major) => {
  test('each of many days restores to what it was', async (context) => {
    if (!clusters.binaries(major)) return context.skip(`needs PostgreSQL ${major}`)
    const name = `days${major}`
    const source = await clusters.start(name, { major })
    const place = await tablespaceFolder(name)
    const days = []
    for (const day of DAYS) days.push(await backUpDay(source, day, place))

    const [full, ...incrementals] = days.map(({ backup }) => backup)
    for (const { kind, storedBytes } of incrementals) {
      expect(kind).toBe('incremental')
      expect(storedBytes).toBeLessThan(full!.storedBytes)
    }
    expect(incrementals.at(-1)!.warnings).toEqual([])
    await expectRestored(source, name, days, major)
    expect((await source.protection.verify()).faults).toEqual([])
    await source.cluster.kill()
  })

  test('backups under writes are consistent', async (context) => {
    if (!clusters.binaries(major)) return context.skip(`needs PostgreSQL ${major}`)
    const name = `writers${major}`
    const source = await clusters.start(name, { major })
    await source.sql.query(`
      create table accounts as select i as id, 0 as balance, repeat('x', 60) as filler from generate_series(1, 50000) i;
      create unique index on accounts (id);
      create table history (account int, delta int)`)
    const end = new AbortController()
    const writers = [1, 2].map((seed) => write(source, seed, end.signal))
    const backups: BaseBackup[] = []
    try {
      for (let round = 0; round < 4; round++) backups.push(await source.protection.backUp())
    } finally {
      end.abort()
      await Promise.all(writers)
    }
    await archived(source)
    expect(backups.flatMap(({ warnings }) => warnings)).toEqual([])
    expect(backups.map(({ kind }) => kind)).toEqual(['full', ...Array(3).fill('incremental')])

    const targets = [...backups.map(({ id }) => ({ backup: id })), 'latest' as const]
    for (const [index, to] of targets.entries()) {
      const copy = await clusters.restore(source.protection, `${name}-${index}`, to, major)
      const [sums] = await copy.sql.query(`
        select (select sum(balance) from accounts) as balances, (select sum(delta) from history) as deltas,
               (select count(*) from (
                  select id from accounts left join (select account, sum(delta) d from history group by 1) h
                    on account = id where balance <> coalesce(d, 0)) x) as unequal`)
      expect(sums).toEqual({ balances: sums!.deltas, deltas: sums!.deltas, unequal: '0' })
      expect(await damageIn(copy.cluster)).toEqual([])
      if (to === 'latest') {
        expect(await contentOf(copy.cluster)).toEqual(await contentOf(source.cluster))
      }
      await copy.cluster.stop()
    }
    await source.cluster.kill()
  })
})

async function write(source: Protected, seed: number, end: AbortSignal): Promise<void> {
  const sql = await clusters.connect(source.cluster)
  for (let i = 0; !end.aborted; i++) {
    const account = ((i * 7919 + seed * 104_729) % 50_000) + 1
    const delta = ((i * 31 + seed) % 2000) - 900
    await sql.query(`begin; update accounts set balance = balance + ${delta} where id = ${account};
      insert into history values (${account}, ${delta}); commit`)
  }
}

describe('without the summaries that the server should have', () => {
  test.each([
    [
      'their files are gone',
      async ({ cluster }: Protected) => removeSummaries(cluster.dataDirectory),
    ],
    [
      'they were switched off',
      async ({ cluster }: Protected) => {
        await cluster.configure({ summarize_wal: 'off' })
        await cluster.reload()
        await removeSummaries(cluster.dataDirectory)
      },
    ],
  ])('an incremental is found by page positions: %s', async (how, spoil) => {
    if (!clusters.binaries(18)) return
    const name = `spoilt-${how.replaceAll(' ', '-')}`
    const source = await clusters.start(name, { major: 18 })
    const place = await tablespaceFolder(name)
    const days = [await backUpDay(source, DAYS[0]!, place)]
    for (const day of DAYS.slice(1, 4)) {
      await spoil(source)
      days.push(await backUpDay(source, day, place))
    }
    expect(days.map(({ backup }) => backup.kind)).toEqual(['full', ...Array(3).fill('incremental')])
    await expectRestored(source, name, days, 18)
    await source.cluster.kill()
  })
})

async function removeSummaries(dataDirectory: string): Promise<void> {
  const folder = join(dataDirectory, 'pg_wal', 'summaries')
  for (const name of await readdir(folder)) await rm(join(folder, name))
}
