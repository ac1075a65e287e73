import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { findPostgresBinaries, type PostgresBinaries } from '../postgres/binaries.ts'
import { Cluster, type ClusterOptions } from '../postgres/cluster.ts'
import { configuredPort } from '../postgres/settings.ts'
import { Connection } from '../postgres/wire/connection.ts'
import { FolderLock } from '../region/folder-lock.ts'
import type { Home } from './home.ts'

const USER = 'lifeboat'
const DATABASE = 'lifeboat'

const OPENS_WITHIN_MS = 30_000
const POLL_MS = 50

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

export interface StateOptions {
  readonly home: Home
  readonly environment: NodeJS.ProcessEnv
  readonly clock: Clock
  /**
   * For how long to wait until no other process runs the server. A process that lives longer than others should
   * run it itself: 10,000; one that only looks does not care: 0.
   */
  readonly patienceMs: number
}

/**
 * Opens the database of Lifeboat's own state: the one that `DATABASE_URL` names, else an embedded
 * PostgreSQL in the home. The first process of a home runs that server for as long as it lives; others
 * use it meanwhile.
 *
 * @throws LifeboatError `PostgresMissing`, `PostgresFailed`, `FolderNotUsable`, `DiskFull`
 */
export async function openState(o: StateOptions): Promise<State> {
  const { home, environment, clock, patienceMs } = o
  await home.create()
  if (environment.DATABASE_URL) {
    return { databaseUrl: environment.DATABASE_URL, close: async () => undefined }
  }
  const [binaries] = await findPostgresBinaries({ cache: home.postgresql, environment })
  await mkdir(home.state, { recursive: true, mode: 0o711 })
  const end = clock.monotonicMs() + patienceMs
  for (;;) {
    const state = await oneAtATime(home, clock, () =>
      ownOrUse({ home, clock, binaries: binaries! }),
    )
    if (state.isOwn || clock.monotonicMs() >= end) return state
    await clock.sleep(POLL_MS)
  }
}

/** Runs the server, or uses the one that another process of ours runs. */
async function ownOrUse(o: {
  home: Home
  clock: Clock
  binaries: PostgresBinaries
}): Promise<State & { isOwn: boolean }> {
  const { home, clock, binaries } = o
  const password = await ownPassword(home)
  const dataDirectory = join(home.state, 'cluster')
  const superuser = { name: USER, password }
  const options = { dataDirectory, binaries, superuser, settings: SETTINGS, clock }
  const urlOf = (port: number) => `postgresql://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`
  const cluster = await openUnlessOwned(options, home)
  if (!cluster) {
    const port = await configuredPort(dataDirectory)
    return { isOwn: false, databaseUrl: urlOf(port!), close: async () => undefined }
  }
  await cluster.start()
  await ensureDatabase(cluster)
  return { isOwn: true, databaseUrl: urlOf(cluster.port), close: () => cluster.stop('fast') }
}

/** Processes that start at once would both make the cluster, or both start its server. */
async function oneAtATime<Result>(
  home: Home,
  clock: Clock,
  work: () => Promise<Result>,
): Promise<Result> {
  const end = clock.monotonicMs() + OPENS_WITHIN_MS
  for (;;) {
    try {
      const lock = await FolderLock.acquire(join(home.state, 'opening'))
      return await work().finally(() => lock.release())
    } catch (error) {
      const isTaken = error instanceof LifeboatError && error.code === 'AlreadyRunning'
      if (!isTaken || clock.monotonicMs() > end) throw error
      await clock.sleep(POLL_MS)
    }
  }
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
  try {
    await writeFile(file, systemRandom.hex(32), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFile(file, 'utf8')
}
