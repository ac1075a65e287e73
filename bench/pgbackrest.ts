import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { systemClock } from '../src/core/clock.ts'
import { Cluster } from '../src/postgres/cluster.ts'
import { giveTo, serverAccount } from '../src/postgres/server-account.ts'
import type { ConnectionTarget } from '../src/postgres/wire/connection-target.ts'
import type { Contender, Restored, RestoreTo, Source, Timed } from './contender.ts'
import { one } from './data-sets.ts'
import { folderBytes, measured, type ProcessRow } from './machine.ts'
import { measureRestore } from './restored.ts'

const STANZA = 'bench'
/** Two processes, as many as the vault's workers on two cores; its best compression for its time. */
const SETTINGS = ['process-max=2', 'compress-type=zst', 'compress-level=3']

/** The version of pgBackRest that is installed; undefined when there is none. */
export async function pgBackRestVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('pgbackrest', ['version'])
    return stdout.trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * pgBackRest as its guide sets it up, with a fast start, archiving by `archive-push` and asynchronous `archive-get`. What is
 * timed is its process, and for a restore also PostgreSQL's start and recovery.
 */
export class PgBackRest implements Contender {
  readonly name = 'pgBackRest'
  readonly #account = serverAccount()
  #restored: Cluster | undefined

  constructor(
    private readonly folder: string,
    private readonly source: Source,
    private readonly settings: Readonly<Record<string, string>>,
  ) {}

  async begin(): Promise<void> {
    await this.source.configure({ ...this.settings, archive_command: '/bin/true' })
    await rm(this.#home, { recursive: true, force: true })
    for (const name of ['', 'repository', 'log', 'lock', 'spool']) {
      await mkdir(join(this.#home, name), { recursive: true, mode: 0o750 })
      await giveTo(join(this.#home, name), this.#account)
    }
    await writeFile(this.#configuration, this.#configurationText(), { mode: 0o644 })
    await this.#pgbackrest('stanza-create')
    await this.source.configure({
      ...this.settings,
      archive_command: `pgbackrest --config=${this.#configuration} --stanza=${STANZA} archive-push %p`,
    })
  }

  backUp(kind: 'full' | 'incremental'): Promise<Timed> {
    const type = kind === 'full' ? 'full' : 'incr'
    return measured(isPgBackRest, () => this.#pgbackrest(`--type=${type}`, 'backup'))
  }

  storedBytes(): Promise<number> {
    return folderBytes(join(this.#home, 'repository', 'backup'))
  }

  async untilArchived(): Promise<void> {
    const { target } = this.source
    const segment = await one(target, 'select pg_walfile_name(pg_switch_wal()) as it')
    const archived = 'select last_archived_wal as it from pg_stat_archiver'
    while ((await one(target, archived)) < segment) await systemClock.sleep(50)
  }

  restore(to: RestoreTo): Promise<Restored> {
    const open = async () => {
      const isTime = to !== 'newest backup'
      const target = isTime
        ? ['--type=time', `--target=${formatTime(to.time)}`]
        : ['--type=immediate']
      await mkdir(this.#into, { mode: 0o700 })
      await giveTo(this.#into, this.#account)
      await this.#pgbackrest(
        `--pg1-path=${this.#into}`,
        ...target,
        '--target-action=promote',
        'restore',
      )
      return this.#start(to)
    }
    // It syncs what it restores, and PostgreSQL makes a checkpoint before it opens: nothing is left to wait for.
    return measureRestore(isPgBackRest, open, async () => {})
  }

  async discard(): Promise<void> {
    await this.#restored?.kill()
    this.#restored = undefined
    await rm(this.#into, { recursive: true, force: true })
  }

  async close(): Promise<void> {
    await this.discard()
  }

  async #start(to: RestoreTo): Promise<ConnectionTarget> {
    const target =
      to === 'newest backup'
        ? { recovery_target: 'immediate' }
        : {
            recovery_target_time: formatTime(to.time),
          }
    this.#restored = await Cluster.open({
      dataDirectory: this.#into,
      binaries: this.source.binaries,
      superuser: { name: this.source.target.user, password: this.source.target.password },
      settings: {
        autovacuum: 'off',
        restore_command: `pgbackrest --config=${this.#configuration} --pg1-path=${this.#into} --stanza=${STANZA} archive-get %f "%p"`,
        ...target,
        recovery_target_action: 'promote',
      },
    })
    await this.#restored.start()
    const inRecovery = 'select pg_is_in_recovery() as it'
    while ((await one(this.#restored.target(), inRecovery)) === 't') await systemClock.sleep(5)
    return this.#restored.target()
  }

  async #pgbackrest(...parameters: string[]): Promise<void> {
    const { host, port, user, password } = this.source.target
    await promisify(execFile)(
      'pgbackrest',
      [`--config=${this.#configuration}`, `--stanza=${STANZA}`, ...parameters],
      {
        cwd: '/',
        env: {
          PATH: process.env.PATH,
          PGHOST: host,
          PGPORT: String(port),
          PGUSER: user,
          PGPASSWORD: password,
        },
        ...this.#account,
      },
    )
  }

  #configurationText(): string {
    const { dataDirectory, target } = this.source
    return [
      '[global]',
      ...['repository', 'log', 'lock', 'spool'].map((name) => {
        const option = name === 'repository' ? 'repo1' : name
        return `${option}-path=${join(this.#home, name)}`
      }),
      ...SETTINGS,
      'start-fast=y',
      'expire-auto=n',
      'log-level-file=off',
      'log-level-console=warn',
      '[global:archive-get]',
      'archive-async=y',
      `[${STANZA}]`,
      `pg1-path=${dataDirectory}`,
      `pg1-port=${target.port}`,
      `pg1-user=${target.user}`,
      '',
    ].join('\n')
  }

  get #home(): string {
    return join(this.folder, 'pgbackrest')
  }

  get #configuration(): string {
    return join(this.#home, 'pgbackrest.conf')
  }

  get #into(): string {
    return join(this.folder, 'restored-by-pgbackrest')
  }
}

const isPgBackRest = ({ name }: ProcessRow) => name === 'pgbackrest'

/** As PostgreSQL's settings and pgBackRest both read it. */
function formatTime(time: Date): string {
  return time.toISOString().replace('T', ' ').replace('Z', '+00')
}
