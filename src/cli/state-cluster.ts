import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { findPostgresBinaries } from '../postgres/binaries.ts'
import { Cluster, type ClusterOptions } from '../postgres/cluster.ts'
import { configuredPort } from '../postgres/settings.ts'
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
 * PostgreSQL in the home. The first process of a home runs that server for as long as it lives; others
 * use it meanwhile.
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
  const urlOf = (port: number) => `postgresql://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`
  const cluster = await openUnlessOwned(options, home)
  if (!cluster) {
    const port = await configuredPort(options.dataDirectory)
    return { databaseUrl: urlOf(port!), close: async () => undefined }
  }
  await cluster.start()
  await ensureDatabase(cluster)
  return { databaseUrl: urlOf(cluster.port), close: () => cluster.stop('fast') }
}

/** Undefined when another process of ours runs the server already. */
async function openUnlessOwned(options: ClusterOptions, home: Home): Promise<Cluster | undefined> {
  if (!existsSync(options.dataDirectory)) {
    return Cluster.create({ ...options, templates: home.templates })
  }
  try {
    return await Cluster.open(options)
  } catch (error) {
    if (error instanceof LifeboatError && error.code === 'AlreadyRunning') return undefined
    throw error
  }
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
