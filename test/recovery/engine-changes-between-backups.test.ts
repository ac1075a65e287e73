import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cluster } from '../../src/postgres/cluster.ts'
import { giveTo, serverAccount } from '../../src/postgres/server-account.ts'
import { Connection } from '../../src/postgres/wire/connection.ts'
import { contentOf, damageOf, Engine, sql } from './engine.ts'

let engine: Engine

beforeAll(async () => {
  engine = await Engine.open()
})
afterAll(() => engine.close())

/** What operators do to a database from one backup to the next, oldest first. */
const CHANGES: readonly (readonly [what: string, (cluster: Cluster) => Promise<unknown>])[] = [
  [
    'tables of every kind are made',
    (cluster) =>
      sql(
        cluster,
        `create table orders as select i id, md5(i::text) note from generate_series(1, 60000) i;
         alter table orders add primary key (id); create index on orders (note);
         create table doomed as select i, repeat('x', 500) filler from generate_series(1, 5000) i;
         create table emptied as select * from doomed; create index on emptied (i);
         create table big as select i, string_agg(md5((i * j)::text), '') long
           from generate_series(1, 200) i, generate_series(1, 200) j group by i;
         create unlogged table scratch as select 1 as gone`,
      ),
  ],
  [
    'rows change',
    (cluster) => sql(cluster, "update orders set note = note || '!' where id % 50 = 1"),
  ],
  [
    'a table is dropped and one of its name is made',
    async (cluster) => {
      await sql(cluster, 'drop table doomed')
      await sql(cluster, 'create table doomed as select i from generate_series(1, 100) i')
    },
  ],
  [
    'a table is truncated and filled again, shorter',
    async (cluster) => {
      await sql(cluster, 'truncate emptied')
      await sql(cluster, "insert into emptied select i, 'after' from generate_series(1, 300) i")
    },
  ],
  [
    'databases are made in both ways',
    async (cluster) => {
      const isAble = cluster.major >= 15 ? ' strategy file_copy' : ''
      await sql(cluster, `create database copied${isAble}`)
      await sql(cluster, 'create database logged')
      for (const name of ['copied', 'logged']) {
        await sql(cluster, 'create table t as select i from generate_series(1, 5000) i', name)
      }
    },
  ],
  [
    'a database is dropped and one of its name is made',
    async (cluster) => {
      await sql(cluster, 'drop database copied')
      await sql(cluster, 'create database copied')
      await sql(cluster, "create table other as select 'x' as y", 'copied')
    },
  ],
  [
    'a tablespace comes with a table, and a table moves to it',
    async (cluster) => {
      const location = `${cluster.dataDirectory}-tablespace`
      await mkdir(location, { mode: 0o700 })
      await giveTo(location, serverAccount())
      await sql(cluster, `create tablespace elsewhere location '${location}'`)
      await sql(
        cluster,
        'create table far tablespace elsewhere as select i from generate_series(1, 20000) i',
      )
      await sql(cluster, 'alter table doomed set tablespace elsewhere')
    },
  ],
  [
    'rows in the tablespace change',
    (cluster) => sql(cluster, 'update far set i = -i where i % 100 = 0'),
  ],
  [
    'a table shrinks by vacuum and is rewritten',
    async (cluster) => {
      await sql(cluster, 'delete from orders where id > 20000')
      await sql(cluster, 'vacuum orders')
      await sql(cluster, 'vacuum full big')
    },
  ],
  [
    'a table is grown over where it was cut',
    (cluster) =>
      sql(cluster, "insert into orders select i, 'again' from generate_series(30001, 50000) i"),
  ],
  [
    'summaries of the WAL are lost',
    async (cluster) => {
      await sql(cluster, "update orders set note = 'late' where id % 77 = 0; checkpoint")
      const summaries = join(cluster.dataDirectory, 'pg_wal', 'summaries')
      if (cluster.major < 17) return
      for (const name of await readdir(summaries)) await rm(join(summaries, name), { force: true })
    },
  ],
]

/** Each backup of a chain is restored by the sweep, some here; 0 is the full one. */
const isLong = process.env.LIFEBOAT_FULL !== undefined
const isTried = (index: number) => isLong || index % 3 === 0 || index === CHANGES.length - 1

describe.each([18, 15])('PostgreSQL %i', (major) => {
  test('every backup in a chain restores to what the cluster held when it ended', {
    timeout: 300_000,
  }, async (context) => {
    const binaries = engine.binaries(major)
    if (!binaries) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const cluster = await engine.create(`chain-${major}`, binaries)
    const protection = await engine.protect(cluster)
    const chain: { what: string; id: string; content: Record<string, string | null> }[] = []
    for (const [what, change] of CHANGES) {
      await change(cluster)
      const { id, kind } = await protection.backUp()
      expect(kind).toBe(chain.length === 0 ? 'full' : 'incremental')
      chain.push({ what, id, content: await contentOf(cluster) })
    }
    for (const [index, { what, id, content }] of chain.entries()) {
      if (!isTried(index)) continue
      const restored = await engine.restore(protection, `chain-${major}-${index}`, binaries, {
        backup: id,
      })
      const { 'postgres.scratch': unlogged, ...logged } = content
      // An unlogged table is empty after a crash, and a restore is one.
      const expected = {
        ...logged,
        ...(unlogged === undefined ? {} : { 'postgres.scratch': '0 0' }),
      }
      expect([what, await contentOf(restored)]).toEqual([what, expected])
      expect([what, await damageOf(restored)]).toEqual([what, []])
      await restored.stop('immediate')
    }
    await protection.detach()
    await cluster.stop()
  })

  test('backups taken under load, also on a later timeline, restore to a consistent moment', {
    timeout: 300_000,
  }, async (context) => {
    const binaries = engine.binaries(major)
    if (!binaries) return context.skip(`skipped: needs PostgreSQL ${major}`)
    const first = await engine.create(`load-${major}`, binaries)
    await sql(
      first,
      `create table accounts as select i id, 0::bigint balance, repeat('x', 80) filler from generate_series(1, 40000) i;
       alter table accounts add primary key (id);
       create table transfers (id bigserial primary key, source int, target int, amount int)`,
    )
    const protection = await engine.protect(first)
    await backUpUnderLoad(first, () => protection.backUp())

    // A restored cluster is on timeline 2, and its backups begin a chain of their own.
    const second = await engine.restore(protection, `load-${major}-second`, binaries, 'latest')
    const [wal] = await sql(second, 'select pg_walfile_name(pg_current_wal_lsn()) as name')
    expect(wal!.name).toMatch(/^00000002/)
    await expectConsistent(second)
    const protectionOfSecond = await engine.protect(second)
    await backUpUnderLoad(second, () => protectionOfSecond.backUp())

    for (const [generation, source] of [protection, protectionOfSecond].entries()) {
      const backups = source.backups()
      for (const [index, { id }] of backups.entries()) {
        if (!isLong && index < backups.length - 1) continue
        const name = `load-${major}-${generation}-${index}`
        const restored = await engine.restore(source, name, binaries, { backup: id })
        await expectConsistent(restored)
        expect(await damageOf(restored)).toEqual([])
        await restored.stop('immediate')
      }
    }
    for (const one of [protection, protectionOfSecond]) await one.detach()
    for (const one of [first, second]) await one.stop()
  })
})

/** Takes a full backup and two more while three clients move money, each transfer in one transaction. */
async function backUpUnderLoad(cluster: Cluster, backUp: () => Promise<unknown>): Promise<void> {
  let isEnough = false
  const client = async () => {
    const connection = await Connection.open(cluster.target())
    while (!isEnough) {
      await connection.query(
        `with chosen as materialized (select 1 + floor(random() * 40000)::int source, 1 + floor(random() * 40000)::int target,
                               floor(random() * 100)::int amount),
              taken as (update accounts set balance = balance - amount from chosen where id = source),
              noted as (insert into transfers (source, target, amount) select * from chosen)
         select source, target, amount from chosen;
         update accounts a set balance = balance + t.amount from transfers t
           where t.id = currval('transfers_id_seq') and a.id = t.target`,
      )
    }
    await connection.close()
  }
  const clients = [client(), client(), client()]
  try {
    for (let backup = 0; backup < 3; backup++) await backUp()
  } finally {
    isEnough = true
    await Promise.all(clients)
  }
}

/** Money was only moved, and every account is the sum of its transfers. */
async function expectConsistent(cluster: Cluster): Promise<void> {
  const [row] = await sql(
    cluster,
    `select (select sum(balance) from accounts) as total,
       (select count(*) from (
          select id, sum(moved) moved from (
            select source id, -amount moved from transfers union all select target, amount from transfers) m
          group by id) m join accounts a using (id) where a.balance <> m.moved) as wrong`,
  )
  expect(row).toEqual({ total: '0', wrong: '0' })
}
