import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/core/clock.ts'
import { parseLsn } from '../../src/core/lsn.ts'
import { findPostgresBinaries, type PostgresBinaries } from '../../src/postgres/binaries.ts'
import { Cluster } from '../../src/postgres/cluster.ts'
import { Protection } from '../../src/postgres/protection.ts'
import { Connection } from '../../src/postgres/wire/connection.ts'

export const superuser = { name: 'rdsadmin', password: 'secret' }

/** A running cluster with a connection to it and, unless it is a restored one, its protection. */
export interface Protected {
  readonly cluster: Cluster
  readonly protection: Protection
  readonly sql: Connection
}

/** A folder of one test file's own, with everything that runs in it. */
export class ProtectedClusters {
  readonly #closing: (() => Promise<void>)[] = []

  private constructor(
    readonly folder: string,
    readonly installed: readonly PostgresBinaries[],
  ) {}

  static async open(name: string): Promise<ProtectedClusters> {
    const folder = await mkdtemp(join(tmpdir(), `lifeboat-${name}-`))
    await chmod(folder, 0o711)
    return new ProtectedClusters(
      folder,
      await findPostgresBinaries({ cache: join(folder, 'postgresql') }),
    )
  }

  binaries(major?: number): PostgresBinaries | undefined {
    return major === undefined
      ? this.installed[0]
      : this.installed.find((one) => one.major === major)
  }

  async start(
    name: string,
    o: {
      major?: number | undefined
      settings?: Record<string, string>
      encryptionKey?: Buffer | undefined
    } = {},
  ): Promise<Protected> {
    const cluster = await this.startAlone(name, o)
    const protection = await this.protect(name, o.encryptionKey)
    await protection.attach(cluster)
    return { cluster, protection, sql: await this.connect(cluster) }
  }

  /** A running cluster that nothing protects. */
  async startAlone(
    name: string,
    o: { major?: number | undefined; settings?: Record<string, string> } = {},
  ): Promise<Cluster> {
    const cluster = await Cluster.create({
      dataDirectory: join(this.folder, name, 'data'),
      templates: join(this.folder, 'templates'),
      binaries: this.binaries(o.major)!,
      superuser,
      settings: { track_commit_timestamp: 'on', ...o.settings },
    })
    this.#closing.push(() => cluster.kill())
    await cluster.start()
    return cluster
  }

  /** What a test has opened itself. */
  closeLater(close: () => Promise<void>): void {
    this.#closing.push(close)
  }

  async protect(name: string, encryptionKey?: Buffer): Promise<Protection> {
    const protection = await Protection.open({
      folder: this.protectionFolder(name),
      clock: systemClock,
      encryptionKey,
    })
    this.#closing.push(() => protection.close())
    return protection
  }

  protectionFolder(name: string): string {
    return join(this.folder, name, 'protection')
  }

  async restore(
    protection: Protection,
    name: string,
    to: Parameters<Protection['restore']>[0]['to'],
    major?: number,
  ): Promise<{ cluster: Cluster; sql: Connection }> {
    const cluster = await protection.restore({
      to,
      into: join(this.folder, name, 'data'),
      binaries: this.binaries(major)!,
      superuser,
    })
    this.#closing.push(() => cluster.kill())
    return { cluster, sql: await this.connect(cluster) }
  }

  async connect(cluster: Cluster, database?: string): Promise<Connection> {
    const sql = await Connection.open(cluster.target(database))
    this.#closing.push(() => sql.close())
    return sql
  }

  /** Ends everything, the newest first, and removes the folder. */
  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Waits until all that was committed before is durable in the archive. */
export async function archived({ protection, sql }: Protected): Promise<void> {
  const [row] = await sql.query('select pg_current_wal_insert_lsn() lsn')
  await until(
    () => (protection.streaming()?.durableLsn ?? 0n) >= parseLsn(row!.lsn!),
    'all WAL is archived',
  )
}

export async function until(
  isTrue: () => boolean | Promise<boolean>,
  what: string,
  seconds = 30,
): Promise<void> {
  const end = performance.now() + seconds * 1000
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`waited too long until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Every row of every table of every database, as counts and sums: equal content, equal text. */
export async function contentOf(cluster: Cluster): Promise<Record<string, string>> {
  const content: Record<string, string> = {}
  const postgres = await Connection.open(cluster.target())
  const databases = await postgres.query(
    'select datname from pg_database where datallowconn and not datistemplate order by 1',
  )
  await postgres.close()
  for (const { datname } of databases) {
    const sql = await Connection.open(cluster.target(datname!))
    const tables = await sql.query(
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = relnamespace
       where relkind in ('r', 'm') and nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
         and relpersistence = 'p' order by 1`,
    )
    for (const { name } of tables) {
      const [row] = await sql.query(
        `select count(*) || ' ' || coalesce(sum(('x' || substr(md5(t::text), 1, 8))::bit(32)::bigint), 0) as sum
         from ${name} t`,
      )
      content[`${datname}.${name}`] = row!.sum!
    }
    await sql.close()
  }
  return content
}

/** What amcheck finds wrong with heaps and indexes: nothing, as an empty list. */
export async function damageIn(cluster: Cluster): Promise<string[]> {
  const damage: string[] = []
  const postgres = await Connection.open(cluster.target())
  const databases = await postgres.query('select datname from pg_database where datallowconn')
  await postgres.close()
  for (const { datname } of databases) {
    const sql = await Connection.open(cluster.target(datname!))
    await sql.query('create extension if not exists amcheck')
    const heaps = await sql.query(
      `select c.oid::regclass::text || ': ' || msg as msg from pg_class c, verify_heapam(c.oid)
       where relkind in ('r', 'm', 't') and relpersistence = 'p'`,
    )
    damage.push(...heaps.map(({ msg }) => `${datname}: ${msg}`))
    await sql.query(
      `select bt_index_check(c.oid, true) from pg_class c join pg_am a on relam = a.oid
       where amname = 'btree' and relpersistence = 'p' and relkind = 'i'`,
    )
    await sql.close()
  }
  return damage
}
