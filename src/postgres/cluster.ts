import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { access, constants, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { assert } from '../core/assert.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { PostgresBinaries } from './binaries.ts'
import { throwFolderFailure } from './folder-failure.ts'
import { freePort } from './free-port.ts'
import {
  ensureReachable,
  makeReachable,
  type ServerAccount,
  serverAccount,
} from './server-account.ts'
import { serverCommand, serverEnvironment } from './server-command.ts'
import { ServerLog } from './server-log.ts'
import { endOrphans, killServer } from './server-processes.ts'
import { configuredPort, writeConfiguration } from './settings.ts'
import { cloneTemplate } from './template.ts'
import { Connection } from './wire/connection.ts'
import type { ConnectionTarget } from './wire/connection-target.ts'

export interface ClusterOptions {
  /** Absolute. The server's log lies beside it, as `<dataDirectory>.log`. */
  readonly dataDirectory: string
  readonly binaries: PostgresBinaries
  readonly superuser: { readonly name: string; readonly password: string }
  /** When absent, a free one is chosen once and the cluster keeps it. */
  readonly port?: number
  /** Settings of PostgreSQL that come on top of our own, by name. */
  readonly settings?: Readonly<Record<string, string>>
  /**
   * In a session of its own, the server is spared by Ctrl-C, which the terminal sends to a whole process group: for
   * a program that still needs its database while it ends. False when absent: killing our group kills the server.
   */
  readonly ownSession?: boolean
  readonly clock?: Clock
}

/** How a server ended; `error` says why, in words for an operator. */
export interface ExitStatus {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly error: LifeboatError
}

/** Recovery after a crash may have a gigabyte of WAL to replay. */
const START_DEADLINE_MS = 600_000
const RELOAD_DEADLINE_MS = 10_000
/** A fast shutdown waits for a checkpoint and for standbys; each more violent one after it has its own deadline. */
const STOPS = [
  { mode: 'fast', signal: 'SIGINT', deadlineMs: 60_000 },
  { mode: 'immediate', signal: 'SIGQUIT', deadlineMs: 10_000 },
] as const

/**
 * One PostgreSQL server and its data directory, supervised.
 *
 * We are the direct parent of `postgres`, so that its end is seen and reaped at once, and nobody else may be (I9).
 * What becomes of the server when we die without stopping it:
 *
 *   our whole process group is killed  it dies with us, for it stays in our group; its busy children end when
 *                                      they next wait, or by the next `open`
 *   we alone are killed                the kernel sends it SIGQUIT where `setpriv` is installed; else it is an
 *                                      orphan until the next `open`, which ends it
 *
 * Events: `exit` with an `ExitStatus` when the server ends without having been told to. It may be started again.
 */
export class Cluster extends EventEmitter<{ exit: [ExitStatus] }> {
  readonly #clock: Clock
  readonly #account: ServerAccount | undefined
  readonly #log: ServerLog
  #process: ChildProcess | undefined
  #ended: Promise<void> | undefined
  #spawnError: Error | undefined
  #isExpectedToEnd = false

  private constructor(
    private readonly options: ClusterOptions,
    /** On 127.0.0.1. */
    readonly port: number,
  ) {
    super()
    this.#clock = options.clock ?? systemClock
    this.#account = serverAccount()
    this.#log = new ServerLog(`${options.dataDirectory}.log`)
  }

  /**
   * A new, empty cluster, durable and not started. `templates` is a folder that several clusters share.
   *
   * @throws LifeboatError `FolderNotUsable`, `DiskFull`, `PostgresFailed`; then nothing is left behind
   */
  static async create(options: ClusterOptions & { readonly templates: string }): Promise<Cluster> {
    const { dataDirectory, templates, binaries, superuser } = options
    const account = serverAccount()
    try {
      await makeReachable(dirname(dataDirectory), account)
    } catch (cause) {
      throwFolderFailure(dataDirectory, cause)
    }
    await cloneTemplate({ binaries, superuser, folder: templates, account }, dataDirectory)
    return Cluster.open(options)
  }

  /**
   * The cluster in an existing data directory, not started. What a killed process of ours left running there is ended.
   *
   * @throws LifeboatError `AlreadyRunning` when a server runs there that somebody still owns; `FolderNotUsable`
   */
  static async open(options: ClusterOptions): Promise<Cluster> {
    const { dataDirectory, binaries, settings = {}, clock = systemClock } = options
    const account = serverAccount()
    await ensureReachable(binaries.bin, account)
    try {
      await ensureReachable(dataDirectory, account)
      await access(dataDirectory, constants.R_OK | constants.W_OK | constants.X_OK)
    } catch (cause) {
      throwFolderFailure(dataDirectory, cause)
    }
    await endOrphans(dataDirectory, clock)
    const port = options.port ?? (await configuredPort(dataDirectory)) ?? (await freePort())
    const cluster = new Cluster(options, port)
    await cluster.configure(settings)
    return cluster
  }

  get dataDirectory(): string {
    return this.options.dataDirectory
  }

  get binaries(): PostgresBinaries {
    return this.options.binaries
  }

  get major(): number {
    return this.options.binaries.major
  }

  get isRunning(): boolean {
    return this.#process !== undefined
  }

  /** Process id of the postmaster, while it runs. */
  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** The file that the server logs to. */
  get logFile(): string {
    return this.#log.file
  }

  /** How the superuser connects. */
  target(database = 'postgres'): ConnectionTarget {
    const { name, password } = this.options.superuser
    return { host: '127.0.0.1', port: this.port, user: name, password, database }
  }

  /**
   * Replaces all settings but our own. They take effect after `reload`, some only after a restart.
   *
   * @throws LifeboatError `InvalidUsage` for what cannot be a setting; `DiskFull`, `FolderNotUsable`
   */
  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    const { dataDirectory, binaries, port } = this
    try {
      await writeConfiguration({ dataDirectory, binaries, port, settings, account: this.#account })
    } catch (cause) {
      throwFolderFailure(dataDirectory, cause)
    }
  }

  /** Makes the server read its settings again; resolves when new connections have them. */
  async reload(): Promise<void> {
    assert(this.#process, 'only a running server can reload')
    const before = await this.#settingsReadAt()
    this.#process.kill('SIGHUP')
    const end = this.#clock.monotonicMs() + RELOAD_DEADLINE_MS
    while ((await this.#settingsReadAt()) === before) {
      if (this.#clock.monotonicMs() > end) throw await this.#failure('did not read its settings')
      await this.#clock.sleep(5)
    }
  }

  /**
   * Starts the server; resolves when it accepts connections, as a standby does before it is promoted.
   *
   * @throws LifeboatError `PortTaken`, `DiskFull`, `AlreadyRunning`, `PostgresFailed` with the last lines of the log
   */
  async start(): Promise<void> {
    assert(!this.#process, 'a server is started once')
    await endOrphans(this.dataDirectory, this.#clock)
    this.#isExpectedToEnd = true
    const child = await this.#spawn()
    const end = this.#clock.monotonicMs() + START_DEADLINE_MS
    while (!(await this.#acceptsConnections(child))) {
      if (this.#process !== child) throw await this.#failure('did not start')
      if (this.#clock.monotonicMs() > end) {
        await this.kill()
        throw await this.#failure(`did not start within ${START_DEADLINE_MS / 1000} s`)
      }
      await this.#clock.sleep(3)
    }
    this.#isExpectedToEnd = false
  }

  /**
   * Ends the server: `fast` with a checkpoint, `immediate` without, as in a crash. Safe to call when it does not run.
   * A server that does not end in time is ended by the next more violent way.
   */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    for (const way of mode === 'fast' ? STOPS : STOPS.slice(1)) {
      const child = this.#process
      if (!child) return
      this.#isExpectedToEnd = true
      child.kill(way.signal)
      if (await this.#endsWithin(way.deadlineMs)) return
    }
    await this.kill()
  }

  /** SIGKILL to the server and its children; resolves when they and their shared memory are gone. */
  async kill(): Promise<void> {
    if (!this.#process) return
    this.#isExpectedToEnd = true
    await killServer(this.dataDirectory, this.#clock)
    // A process that had not got so far as to be recognised as a server.
    this.#process?.kill('SIGKILL')
    await this.#ended
  }

  async #spawn(): Promise<ChildProcess> {
    const log = await this.#log.open()
    this.#spawnError = undefined
    try {
      const [program, ...parameters] = serverCommand(this.binaries, this.dataDirectory)
      const child = spawn(program!, parameters, {
        cwd: this.dataDirectory,
        stdio: ['ignore', log.fd, log.fd],
        env: serverEnvironment(),
        detached: this.options.ownSession ?? false,
        ...this.#account,
      })
      this.#process = child
      this.#ended = this.#watch(child)
      return child
    } finally {
      await log.close()
    }
  }

  #watch(child: ChildProcess): Promise<void> {
    return new Promise((resolve) => {
      const settle = async (code: number | null, signal: NodeJS.Signals | null) => {
        if (this.#process !== child) return
        this.#process = undefined
        resolve()
        if (this.#isExpectedToEnd) return
        const how = signal ? `was ended by ${signal}` : `ended with status ${code}`
        this.emit('exit', { code, signal, error: await this.#failure(how) })
      }
      child.once('exit', settle)
      child.once('error', (error) => {
        this.#spawnError = error
        settle(127, null)
      })
    })
  }

  async #endsWithin(ms: number): Promise<boolean> {
    const timeout = new AbortController()
    const late = this.#clock.sleep(ms, timeout.signal).then(
      () => false,
      () => true,
    )
    const ended = this.#ended?.then(() => true)
    const result = await Promise.race([late, ended])
    timeout.abort()
    return result ?? true
  }

  /** A server writes its state into its lock file. Source: pidfile.h, PM_STATUS_READY and PM_STATUS_STANDBY. */
  async #acceptsConnections(child: ChildProcess): Promise<boolean> {
    try {
      const lines = (await readFile(join(this.dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')
      return Number(lines[0]) === child.pid && /^(ready|standby)\s*$/.test(lines[7] ?? '')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw error
    }
  }

  async #settingsReadAt(): Promise<string | null | undefined> {
    const connection = await Connection.open(this.target())
    try {
      const [row] = await connection.query('select pg_conf_load_time()::text as at')
      return row?.at
    } finally {
      await connection.close()
    }
  }

  async #failure(what: string): Promise<LifeboatError> {
    const { dataDirectory, port } = this
    if (!this.#spawnError) return this.#log.failure({ dataDirectory, port, what })
    const program = join(this.binaries.bin, 'postgres')
    return new LifeboatError('PostgresFailed', `'${program}' cannot be run`, {
      hint: `Look at it: ${this.#spawnError.message}.`,
      cause: this.#spawnError,
    })
  }
}
