import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { systemRandom } from '../core/random.ts'
import { findPostgresBinaries } from '../postgres/binaries.ts'
import { Cluster } from '../postgres/cluster.ts'
import { Connection } from '../postgres/wire/connection.ts'
import type { Home } from './home.ts'

const USER = 'lifeboat'
const DATABASE = 'lifeboat'

/** Little is kept in it, so it takes little memory; every commit is durable. */
const SETTINGS = {
  shared_buffers: '16MB',
  max_connections: '60',
  max_wal_size: '128MB',
  min_wal_size: '32MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  summarize_wal: 'off',
}

/** Where Lifeboat keeps its own state, for as long as it is open. */
export interface State {
  readonly databaseUrl: string
  close(): Promise<void>
}

/**
 * Opens the database of Lifeboat's own state: the one that `DATABASE_URL` names, else an embedded
 * PostgreSQL in the home, which runs as long as we do.
 *
 * @throws LifeboatError `PostgresMissing`, `PostgresFailed`, `FolderNotUsable`, `DiskFull`
 */
export async function openState(o: {
  home: Home
  environment: NodeJS.ProcessEnv
  clock: Clock
}): Promise<State> {
  const { home, environment, clock } = o
  await home.create()
  if (environment.DATABASE_URL) {
    return { databaseUrl: environment.DATABASE_URL, close: async () => undefined }
  }
  const password = await ownPassword(home)
  const [binaries] = await findPostgresBinaries({ cache: home.postgresql, environment })
  const options = {
    dataDirectory: join(home.state, 'cluster'),
    binaries: binaries!,
    superuser: { name: USER, password },
    settings: SETTINGS,
    clock,
  }
  const cluster = existsSync(options.dataDirectory)
    ? await Cluster.open(options)
    : await Cluster.create({ ...options, templates: home.templates })
  await cluster.start()
  await ensureDatabase(cluster)
  const databaseUrl = `postgresql://${USER}:${password}@127.0.0.1:${cluster.port}/${DATABASE}`
  return { databaseUrl, close: () => cluster.stop('fast') }
}

async function ensureDatabase(cluster: Cluster): Promise<void> {
  const connection = await Connection.open(cluster.target('postgres'))
  try {
    const found = await connection.query(`select from pg_database where datname = '${DATABASE}'`)
    if (found.length === 0) await connection.query(`create database ${DATABASE}`)
  } finally {
    await connection.close()
  }
}

/** Made once; only the owner of the home can read it. */
async function ownPassword(home: Home): Promise<string> {
  const file = join(home.state, 'password')
  await mkdir(home.state, { recursive: true, mode: 0o711 })
  try {
    await writeFile(file, systemRandom.hex(32), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFile(file, 'utf8')
}
