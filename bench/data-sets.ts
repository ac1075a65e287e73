import { Connection } from '../src/postgres/wire/connection.ts'
import type { ConnectionTarget } from '../src/postgres/wire/connection-target.ts'

export type DataSetName = 'a' | 'b'

/** Tables to back up, what happens to them, and how to tell two copies apart. */
export interface DataSet {
  readonly name: DataSetName
  readonly title: string
  load(target: ConnectionTarget, scale: number): Promise<void>
  /** Changes about 2 % of the pages, other ones on each `day`. */
  churn(target: ConnectionTarget, day: number): Promise<void>
  /** Many small transactions at random places, until they have made this much WAL. */
  work(target: ConnectionTarget, walBytes: number): Promise<void>
  /** Equal for two copies that hold the same rows. */
  fingerprint(target: ConnectionTarget): Promise<string>
}

/** One day's churn: eight pages of every four hundred, one row in each. */
const CHURNED_PAGES = (table: string, day: number) =>
  `ctid = any(array(
     select format('(%s,1)', page)::tid
     from generate_series(0, (pg_relation_size('${table}') / 8192)::int - 1) page
     where (page / 8) % 50 = ${day}))`

const ACCOUNTS_AT_SCALE_1 = 10_000_000
const ROWS_AT_SCALE_1 = 2_000_000
const TRANSACTIONS_PER_BATCH = 250

/** As `pgbench -i -s 100` lays it, so that pgbench need not be there. Source: pgbench.c, initCreateTables. */
const pgbench: DataSet = {
  name: 'a',
  title: "pgbench's tables",
  async load(target, scale) {
    const accounts = Math.round(ACCOUNTS_AT_SCALE_1 * scale)
    await run(
      target,
      `create table pgbench_branches (bid int primary key, bbalance int, filler char(88));
       create table pgbench_tellers (tid int primary key, bid int, tbalance int, filler char(84));
       create table pgbench_accounts (aid int not null, bid int, abalance int, filler char(84));
       create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
       insert into pgbench_branches select i, 0, '' from generate_series(1, ${Math.ceil(accounts / 100_000)}) i;
       insert into pgbench_tellers select i, 1 + (i - 1) / 10, 0, '' from generate_series(1, ${10 * Math.ceil(accounts / 100_000)}) i;
       insert into pgbench_accounts select i, 1 + (i - 1) / 100000, 0, '' from generate_series(1, ${accounts}) i;
       alter table pgbench_accounts add primary key (aid)`,
    )
    await settle(target)
  },
  churn: (target, day) =>
    run(
      target,
      `update pgbench_accounts set abalance = abalance + ${day} where ${CHURNED_PAGES('pgbench_accounts', day)}`,
    ),
  work: (target, walBytes) =>
    runUntilWal(
      target,
      walBytes,
      `declare a int; accounts int := (select max(aid) from pgbench_accounts); t int; d int;
       begin
         for i in 1..${TRANSACTIONS_PER_BATCH} loop
           a := 1 + floor(random() * accounts); t := 1 + a % (select count(*) from pgbench_tellers); d := floor(random() * 10000) - 5000;
           update pgbench_accounts set abalance = abalance + d where aid = a;
           update pgbench_tellers set tbalance = tbalance + d where tid = t;
           update pgbench_branches set bbalance = bbalance + d where bid = 1 + (t - 1) / 10;
           insert into pgbench_history values (t, 1 + (t - 1) / 10, a, d, now(), '');
           commit;
         end loop;
       end`,
    ),
  fingerprint: (target) =>
    one(
      target,
      `select concat_ws(' ', count(*), sum(abalance::bigint), sum(aid::bigint * abalance),
         (select concat_ws(' ', count(*), sum(delta)) from pgbench_history),
         (select sum(tbalance) from pgbench_tellers)) as it
       from pgbench_accounts`,
    ),
}

const SYLLABLES = `array['ba','ren','to','li','ska','mor','ti','en','da','vel','qui','san','or','pe','lum','as']`

const documents: DataSet = {
  name: 'b',
  title: 'rows of uuid, words, e-mail, jsonb and times',
  async load(target, scale) {
    const rows = Math.round(ROWS_AT_SCALE_1 * scale)
    await run(
      target,
      `create table documents (id uuid not null, title text, body text, email text, attributes jsonb,
         created_at timestamptz, updated_at timestamptz) with (fillfactor = 90);
       create table words as select row_number() over () - 1 as n,
         s[1 + a] || s[1 + b] || case when c < 10 then s[1 + c] else '' end as word
         from (select ${SYLLABLES} s) syllables, generate_series(0, 15) a, generate_series(0, 15) b,
              (select 4 c union all select 12) third`,
    )
    const half = (from: number, to: number) =>
      run(
        target,
        `insert into documents
         select gen_random_uuid(), ${words(3)}, ${words(14)},
           ${words(1)} || '.' || ${words(1)} || floor(random() * 1000) || '@example.com',
           jsonb_build_object('status', (array['new','paid','sent','closed'])[1 + floor(random() * 4)],
             'amount', round((random() * 1000)::numeric, 2), 'city', ${words(1)}, 'score', floor(random() * 100)),
           timestamptz '2026-01-01' + i * interval '7 seconds', timestamptz '2026-01-01' + random() * interval '300 days'
         from generate_series(${from}, ${to}) i, (select array_agg(word) w from words) vocabulary`,
      )
    // Two sessions, because one alone is bound by its processor.
    await Promise.all([half(1, Math.floor(rows / 2)), half(Math.floor(rows / 2) + 1, rows)])
    await run(
      target,
      'alter table documents add primary key (id); create index on documents (email)',
    )
    await settle(target)
  },
  churn: (target, day) =>
    run(
      target,
      `update documents set updated_at = timestamptz '2026-11-01' + interval '${day} days'
       where ${CHURNED_PAGES('documents', day)}`,
    ),
  work: (target, walBytes) =>
    runUntilWal(
      target,
      walBytes,
      `declare pages int := pg_relation_size('documents') / 8192; place tid;
       begin
         for i in 1..${TRANSACTIONS_PER_BATCH} loop
           place := format('(%s,%s)', floor(random() * pages), 1 + i % 15)::tid;
           update documents set attributes = attributes || jsonb_build_object('score', i) where ctid = place;
           commit;
         end loop;
       end`,
    ),
  fingerprint: (target) =>
    one(
      target,
      `select concat_ws(' ', count(*), sum(hashtext(body)::bigint), sum(hashtext(attributes::text)::bigint),
         sum(hashtext(id::text)::bigint), max(updated_at)) as it from documents`,
    ),
}

export const DATA_SETS: Readonly<Record<DataSetName, DataSet>> = { a: pgbench, b: documents }

function words(count: number): string {
  return Array.from({ length: count }, () => 'w[1 + floor(random() * 512)]').join(` || ' ' || `)
}

/** What a database that has been in use for a while looks like: no page waits for its first hint bits. */
async function settle(target: ConnectionTarget): Promise<void> {
  await run(target, 'vacuum (freeze, analyze)')
  await run(target, 'checkpoint')
}

async function runUntilWal(
  target: ConnectionTarget,
  walBytes: number,
  block: string,
): Promise<void> {
  const connection = await Connection.open(target)
  try {
    // Each transaction is a commit of its own; it only does not wait for the disk.
    await connection.query('set synchronous_commit = off')
    const [start] = await connection.query('select pg_current_wal_insert_lsn() lsn')
    for (let made = 0; made < walBytes; ) {
      await connection.query(`do $$ ${block} $$`)
      const [now] = await connection.query(
        `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '${start!.lsn}')::bigint made`,
      )
      made = Number(now!.made)
    }
  } finally {
    await connection.close()
  }
}

export async function run(target: ConnectionTarget, sql: string): Promise<void> {
  const connection = await Connection.open(target)
  try {
    await connection.query(sql)
  } finally {
    await connection.close()
  }
}

/** The value of column `it` in the only row. */
export async function one(target: ConnectionTarget, sql: string): Promise<string> {
  const connection = await Connection.open(target)
  try {
    const [row] = await connection.query(sql)
    return String(row?.it)
  } finally {
    await connection.close()
  }
}
