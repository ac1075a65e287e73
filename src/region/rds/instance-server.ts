import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { assert } from '../../core/assert.ts'
import type { Clock } from '../../core/clock.ts'
import type { PostgresBinaries } from '../../postgres/binaries.ts'
import { Cluster } from '../../postgres/cluster.ts'
import { endOrphans } from '../../postgres/server-processes.ts'
import { Connection } from '../../postgres/wire/connection.ts'
import type { Row } from '../../postgres/wire/row.ts'
import { serverSettings } from './parameters/parameter-values.ts'

/** The real superuser of every instance, as on RDS. Its password never leaves the region. */
export const SUPERUSER = 'rdsadmin'

/**
 * The PostgreSQL server of one DB instance, and its data directory.
 *
 * `onCrash` is called when the server ends without having been told to.
 */
export class InstanceServer {
  #cluster: Cluster | undefined

  constructor(
    private readonly o: {
      folder: string
      templates: string
      binaries: PostgresBinaries
      password: string
      clock: Clock
      onCrash: () => void
    },
  ) {}

  get folder(): string {
    return this.o.folder
  }

  get dataDirectory(): string {
    return join(this.o.folder, 'data')
  }

  get binaries(): PostgresBinaries {
    return this.o.binaries
  }

  get superuser(): { name: string; password: string } {
    return { name: SUPERUSER, password: this.o.password }
  }

  get isRunning(): boolean {
    return this.#cluster?.isRunning ?? false
  }

  /** The cluster, for those who back it up or restore into it. */
  get cluster(): Cluster {
    assert(this.#cluster, 'the server of an instance is opened before it is used')
    return this.#cluster
  }

  /** Makes a new, empty data directory in place of whatever is there, and starts its server. */
  async create(parameters: Readonly<Record<string, string>>, port?: number): Promise<void> {
    await this.removeData()
    await this.#use(
      await Cluster.create({ ...this.#options(parameters, port), templates: this.o.templates }),
    )
    await this.cluster.start()
  }

  /**
   * Starts the server on the data that is there. Ends one that a killed region left behind.
   *
   * @param more    settings beside the parameters
   * @param signal  ends a start that takes too long, as of a standby that lacks WAL
   */
  async start(
    parameters: Readonly<Record<string, string>>,
    {
      port,
      more = {},
      signal,
    }: {
      port?: number | undefined
      more?: Readonly<Record<string, string>>
      signal?: AbortSignal
    } = {},
  ): Promise<void> {
    await this.stop('immediate')
    await this.#use(await Cluster.open(this.#options(parameters, port, more)))
    const { cluster } = this
    const end = () => void cluster.stop('immediate')
    signal?.addEventListener('abort', end, { once: true })
    try {
      await cluster.start()
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      signal?.removeEventListener('abort', end)
    }
  }

  /** Takes over a cluster that was restored into `dataDirectory` and runs. */
  async adopt(cluster: Cluster): Promise<void> {
    await this.#use(cluster)
  }

  /** Gives the running server its dynamic parameters anew; static ones wait in its files for a restart. */
  async reconfigure(
    parameters: Readonly<Record<string, string>>,
    more: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await this.cluster.configure({ ...serverSettings(parameters), ...more })
    if (this.cluster.isRunning) await this.cluster.reload()
  }

  /** Safe to call when nothing runs. */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#cluster?.stop(mode)
  }

  /** Makes sure that no server, not even one that a killed region left behind, runs on the data directory. */
  async end(): Promise<void> {
    await this.stop('immediate')
    if (existsSync(this.dataDirectory)) await endOrphans(this.dataDirectory, this.o.clock)
  }

  async query(sql: string, database?: string): Promise<Row[]> {
    return await this.connected((connection) => connection.query(sql), database)
  }

  /** Runs work with a connection of the superuser. */
  async connected<Result>(
    work: (connection: Connection) => Promise<Result>,
    database?: string,
  ): Promise<Result> {
    const connection = await Connection.open(this.cluster.target(database))
    try {
      return await work(connection)
    } finally {
      await connection.close()
    }
  }

  /** Ends the server and deletes its folder. Safe to call again. */
  async removeData(): Promise<void> {
    await this.end()
    this.#cluster?.removeAllListeners('exit')
    this.#cluster = undefined
    await rm(this.o.folder, { recursive: true, force: true })
  }

  async #use(cluster: Cluster): Promise<void> {
    this.#cluster?.removeAllListeners('exit')
    this.#cluster = cluster
    cluster.on('exit', () => this.o.onCrash())
  }

  #options(
    parameters: Readonly<Record<string, string>>,
    port?: number,
    more: Readonly<Record<string, string>> = {},
  ) {
    return {
      dataDirectory: this.dataDirectory,
      binaries: this.o.binaries,
      superuser: this.superuser,
      settings: { ...serverSettings(parameters), ...more },
      clock: this.o.clock,
      ...(port === undefined ? {} : { port }),
    }
  }
}
