import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { findPostgresBinaries } from '../../src/postgres/binaries.ts'
import { Cluster } from '../../src/postgres/cluster.ts'
import { StateDatabase } from '../../src/runbook/state-database.ts'

/** A PostgreSQL for Lifeboat's own state, for one test file. */
export interface StatePostgres {
  readonly url: string
  /** For whatever a test keeps beside it. */
  readonly folder: string
  readonly cluster: Cluster
  stop(): Promise<void>
}

export async function startStatePostgres(): Promise<StatePostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-runbook-'))
  await chmod(folder, 0o711)
  const [binaries] = await findPostgresBinaries({ cache: join(folder, 'postgresql') })
  const cluster = await Cluster.create({
    dataDirectory: join(folder, 'state', 'data'),
    templates: join(folder, 'templates'),
    binaries: binaries!,
    superuser: { name: 'lifeboat', password: 'canary-state-2b7e' },
    settings: { fsync: 'off' },
  })
  await cluster.start()
  return {
    url: `postgres://lifeboat:canary-state-2b7e@127.0.0.1:${cluster.port}/postgres`,
    folder,
    cluster,
    async stop() {
      await cluster.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The state of Lifeboat, for a whole test file. */
export function stateForTests(): () => StateDatabase {
  let postgres: StatePostgres | undefined
  let database: StateDatabase | undefined
  beforeAll(async () => {
    postgres = await startStatePostgres()
    database = await StateDatabase.open(postgres.url)
  })
  afterAll(async () => {
    await database?.close()
    await postgres?.stop()
  })
  return () => database!
}
