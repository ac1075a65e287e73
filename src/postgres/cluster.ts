import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { assert } from '../core/assert.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import type { PostgresBinaries } from './binaries.ts'
import { freePort } from './free-port.ts'
import { allGone, endOrphans } from './orphan.ts'
import { makeReachable, type ServerAccount, serverAccount } from './server-account.ts'
import { configuredPort, writeConfiguration } from './settings.ts'
import { cloneTemplate, FIRST_PASSWORD_FILE, firstPassword } from './template.ts'
import { Connection, type ConnectionTarget } from './wire/connection.ts'
import { scramVerifier } from './wire/scram-verifier.ts'

export interface ClusterOptions {
  /** Absolute. The server's log lies beside it, as `<dataDirectory>.log`. */
  readonly dataDirectory: string
  readonly binaries: PostgresBinaries
  readonly superuser: { readonly name: string; readonly password: string }
  /** When absent, the operating system chooses once and the cluster keeps it. */
  readonly port?: number
  /** Settings of PostgreSQL that come on top of our own, by name. */
  readonly settings?: Readonly<Record<string, string>>
  readonly clock?: Clock
}

export interface ExitStatus {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const START_DEADLINE_MS = 60_000
const STOP_DEADLINE_MS = 30_000

/**
 * One PostgreSQL server and its data directory, supervised.
 *
 * We are the direct parent of `postgres`, so that its end is seen and reaped at once. It stays in our process
 * group, so that killing the group takes it too; when only we are killed, the kernel sends it SIGQUIT where
 * `setpriv` is installed, and otherwise the next `open` ends it.
 *
 * Events: `exit` with an `ExitStatus` when the server ends without having been told to.
 */
export class Cluster extends EventEmitter<{ exit: [ExitStatus] }> {
  readonly #clock: Clock
  readonly #account: ServerAccount | undefined
  #process: ChildProcess | undefined
  #ended: Promise<ExitStatus> | undefined
  #isExpectedToEnd = false
  #port: number
  #settings: Readonly<Record<string, string>>

  private constructor(
    private readonly options: ClusterOptions,
    port: number,
    account: ServerAccount | undefined,
  ) {
    super()
    this.#clock = options.clock ?? systemClock
    this.#account = account
    this.#port = port
    this.#settings = options.settings ?? {}
  }

  /** A new, empty cluster, not started. `templates` is a folder that several clusters share. */
  static async create(options: ClusterOptions & { readonly templates: string }): Promise<Cluster> {
    const account = serverAccount()
    await makeReachable(dirname(options.dataDirectory), account)
    await cloneTemplate(
      {
        binaries: options.binaries,
        superuser: options.superuser.name,
        folder: options.templates,
        account,
      },
      options.dataDirectory,
    )
    return Cluster.open(options)
  }

  /** The cluster in an existing data directory, not started. Whatever a killed parent left running there is ended. */
  static async open(options: ClusterOptions): Promise<Cluster> {
    const account = serverAccount()
    await endOrphans(options.dataDirectory, options.clock)
    const port = options.port ?? (await configuredPort(options.dataDirectory)) ?? (await freePort())
    const cluster = new Cluster(options, port, account)
    await cluster.configure(options.settings ?? {})
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

  get port(): number {
    return this.#port
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
    return `${this.dataDirectory}.log`
  }

  /** How the superuser connects. */
  target(database = 'postgres'): ConnectionTarget {
    const { name, password } = this.options.superuser
    return { host: '127.0.0.1', port: this.#port, user: name, password, database }
  }

  /** Replaces all settings but our own. They take effect after `reload`, some only after a restart. */
  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    this.#settings = settings
    await writeConfiguration({
      dataDirectory: this.dataDirectory,
      binaries: this.binaries,
      port: this.#port,
      settings,
      account: this.#account,
    })
  }

  /** Makes the server read its settings again. */
  async reload(): Promise<void> {
    assert(this.#process, 'only a running server can reload')
    this.#process.kill('SIGHUP')
  }

  /**
   * Starts the server; resolves when it accepts connections, as a standby does before it is promoted.
   *
   * @throws LifeboatError `PortTaken`, `DiskFull`, `PostgresFailed` with the last lines of the log
   */
  async start(): Promise<void> {
    assert(!this.#process, 'a server is started once')
    await this.#launch()
    await this.#replaceFirstPassword()
  }

  /** Ends the server: `fast` with a checkpoint, `immediate` without. Safe to call when it does not run. */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#end(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
  }

  /** SIGKILL to the postmaster; resolves when it and all its children are gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process
    if (!child || !this.#ended) return
    this.#isExpectedToEnd = true
    child.kill(signal)
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
    await this.#ended
    clearTimeout(timer)
    await allGone(this.dataDirectory, this.#clock, STOP_DEADLINE_MS)
  }

  async #launch(): Promise<void> {
    await rm(join(this.dataDirectory, 'postmaster.pid'), { force: true })
    await mkdir(dirname(this.logFile), { recursive: true })
    const log = await open(this.logFile, 'a', 0o600)
    const logStart = (await log.stat()).size
    const [command, ...prefix] = deathWatch()
    const postgres = join(this.binaries.bin, 'postgres')
    const child = spawn(
      command ?? postgres,
      [...prefix, ...(command ? [postgres] : []), '-D', '.'],
      {
        cwd: this.dataDirectory,
        stdio: ['ignore', log.fd, log.fd],
        env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', PGTZ: 'UTC' },
        ...this.#account,
      },
    )
    await log.close()
    this.#isExpectedToEnd = false
    this.#process = child
    this.#ended = this.#watch(child)
    await this.#ready(child, logStart)
  }

  #watch(child: ChildProcess): Promise<ExitStatus> {
    return new Promise((resolve) => {
      const settle = (status: ExitStatus) => {
        if (this.#process !== child) return
        this.#process = undefined
        resolve(status)
        if (!this.#isExpectedToEnd) this.emit('exit', status)
      }
      child.once('exit', (code, signal) => settle({ code, signal }))
      child.once('error', () => settle({ code: 127, signal: null }))
    })
  }

  /** The server writes its state into its lock file: `ready`, or `standby` when it accepts reads only. */
  async #ready(child: ChildProcess, logStart: number): Promise<void> {
    const end = this.#clock.monotonicMs() + START_DEADLINE_MS
    this.#isExpectedToEnd = true
    for (;;) {
      if (this.#process !== child) throw await this.#startFailure(logStart)
      if (/^(ready|standby)\s*$/m.test(await this.#lockFile())) break
      if (this.#clock.monotonicMs() > end) {
        await this.#end('SIGKILL')
        throw await this.#startFailure(logStart)
      }
      await this.#clock.sleep(5)
    }
    this.#isExpectedToEnd = false
  }

  async #lockFile(): Promise<string> {
    try {
      return await readFile(join(this.dataDirectory, 'postmaster.pid'), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
      throw error
    }
  }

  async #startFailure(logStart: number): Promise<LifeboatError> {
    const log = (await readFile(this.logFile)).subarray(logStart).toString()
    const lines = log.trim().split('\n')
    if (/could not bind .*Address already in use/.test(log)) {
      return new LifeboatError('PortTaken', `port ${this.#port} is taken by another program`, {
        hint: 'End the other program, or choose another port.',
      })
    }
    if (/No space left on device/.test(log)) {
      return new LifeboatError('DiskFull', `the disk that holds '${this.dataDirectory}' is full`, {
        hint: 'Free some space and start again; nothing is lost.',
      })
    }
    const reason = lines.filter((line) => /FATAL|PANIC|ERROR/.test(line)).at(-1) ?? lines.at(-1)
    return new LifeboatError(
      'PostgresFailed',
      `the server in '${this.dataDirectory}' did not start: ${reason?.replace(/^.*?(FATAL|PANIC|ERROR):\s*/, '')}`,
      { hint: `Read its log: ${this.logFile}` },
    )
  }

  async #replaceFirstPassword(): Promise<void> {
    const password = await firstPassword(this.dataDirectory)
    if (password === undefined) return
    const { name, password: wanted } = this.options.superuser
    const connection = await this.#openWithEither(password)
    try {
      const verifier = await scramVerifier(wanted)
      // A verifier instead of the password: what the server may log is then no secret that opens anything.
      await connection.query(`alter role "${name.replaceAll('"', '""')}" password '${verifier}'`)
      await connection.query('checkpoint')
    } finally {
      await connection.close()
    }
    // A clone was written without a sync of its own, so that it is durable at once and not file by file.
    await promisify(execFile)('sync', ['-f', this.dataDirectory])
    await rm(join(this.dataDirectory, FIRST_PASSWORD_FILE))
  }

  /** A crash may have come between setting the password and removing the file. */
  async #openWithEither(firstPassword: string): Promise<Connection> {
    try {
      return await Connection.open({ ...this.target(), password: firstPassword })
    } catch (error) {
      if (!(error instanceof LifeboatError) || error.code !== 'CredentialsRefused') throw error
      return Connection.open(this.target())
    }
  }
}

/** A command that makes the kernel end the server when we die; empty where it is not installed. */
function deathWatch(): string[] {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path))
  return setpriv ? [setpriv, '--pdeathsig', 'QUIT', '--'] : []
}
