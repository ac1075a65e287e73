import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/core/clock.ts'
import { findPostgresBinaries, type PostgresBinaries } from '../../src/postgres/binaries.ts'
import { Cluster } from '../../src/postgres/cluster.ts'
import { Protection } from '../../src/postgres/protection.ts'
import { Connection } from '../../src/postgres/wire/connection.ts'
import type { Row } from '../../src/postgres/wire/row.ts'

const superuser = { name: 'rdsadmin', password: 'secret' }

/** Real clusters and their protections in a folder of their own, all of which goes when it is closed. */
export class Engine {
  readonly #clusters: Cluster[] = []
  readonly #protections: Protection[] = []

  private constructor(
    readonly folder: string,
    private readonly installed: readonly PostgresBinaries[],
  ) {}

  static async open(): Promise<Engine> {
    const folder = await mkdtemp(join(tmpdir(), 'lifeboat-engine-'))
    await chmod(folder, 0o711)
    const cache = join(folder, 'postgresql')
    return new Engine(folder, await findPostgresBinaries({ cache }))
  }

  binaries(major: number): PostgresBinaries | undefined {
    return this.installed.find((one) => one.major === major)
  }

  async create(name: string, binaries: PostgresBinaries): Promise<Cluster> {
    const cluster = await Cluster.create({
      dataDirectory: join(this.folder, name, 'data'),
      templates: join(this.folder, 'templates'),
      binaries,
      superuser,
    })
    this.#clusters.push(cluster)
    await cluster.start()
    return cluster
  }

  async protect(cluster: Cluster): Promise<Protection> {
    const folder = `${cluster.dataDirectory}-protection`
    const protection = await Protection.open({ folder, clock: systemClock })
    this.#protections.push(protection)
    await protection.attach(cluster)
    return protection
  }

  async restore(
    protection: Protection,
    name: string,
    binaries: PostgresBinaries,
    to: Parameters<Protection['restore']>[0]['to'],
  ): Promise<Cluster> {
    const into = join(this.folder, name, 'data')
    const cluster = await protection.restore({ to, into, binaries, superuser })
    this.#clusters.push(cluster)
    return cluster
  }

  async close(): Promise<void> {
    for (const protection of this.#protections) await protection.close()
    for (const cluster of this.#clusters) await cluster.kill()
    await rm(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

export async function sql(cluster: Cluster, text: string, database = 'postgres'): Promise<Row[]> {
  const connection = await Connection.open(cluster.target(database))
  try {
    return await connection.query(text)
  } finally {
    await connection.close()
  }
}

/** Every row of every table of every database, as one hash a table: equal for two clusters that hold the same. */
export async function contentOf(cluster: Cluster): Promise<Record<string, string | null>> {
  const content: Record<string, string | null> = {}
  for (const database of await databasesOf(cluster)) {
    const tables = await sql(
      cluster,
      `select c.oid::regclass::text as name from pg_class c
       where relkind in ('r', 'm') and relnamespace = 'public'::regnamespace order by 1`,
      database,
    )
    for (const { name } of tables) {
      const [row] = await sql(
        cluster,
        `select count(*) || ' ' || coalesce(sum(hashtext(t::text)::bigint), 0) as hash from ${name} t`,
        database,
      )
      content[`${database}.${name}`] = row!.hash!
    }
  }
  return content
}

/** What amcheck finds wrong: in the pages of tables, in indexes, and between an index and its table. */
export async function damageOf(cluster: Cluster): Promise<Row[]> {
  const damage: Row[] = []
  for (const database of await databasesOf(cluster)) {
    await sql(cluster, 'create extension if not exists amcheck', database)
    damage.push(
      ...(await sql(
        cluster,
        `select c.oid::regclass::text as relation, v.msg from pg_class c, verify_heapam(c.oid) v
         where c.relkind in ('r', 't', 'm') and c.relpersistence = 'p'`,
        database,
      )),
    )
    // Throws at the first that is damaged.
    await sql(
      cluster,
      `select bt_index_check(i.indexrelid, true) from pg_index i join pg_class c on c.oid = i.indexrelid
         join pg_am a on a.oid = c.relam
       where a.amname = 'btree' and c.relpersistence = 'p' and i.indisvalid`,
      database,
    )
  }
  return damage
}

async function databasesOf(cluster: Cluster): Promise<string[]> {
  const rows = await sql(
    cluster,
    'select datname from pg_database where datallowconn and not datistemplate order by 1',
  )
  return rows.map(({ datname }) => datname!)
}
