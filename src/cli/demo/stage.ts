import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import { ensureReachable, serverAccount } from '../../postgres/server-account.ts'
import { Home } from '../home.ts'

const CLEARED_WITHIN_MS = 20_000

/**
 * Where the demo plays: a home of its own, folders for what it leaves behind, and everything that has to
 * be put away at the end, in the reverse order of its beginning.
 */
export class Stage {
  readonly home: Home
  readonly logs: string
  readonly incidents: string
  readonly #putAway: { what: string; away: () => Promise<void>; isKept: boolean }[] = []

  /** @param folder  holds the incident document and the ledger, and is there when the demo has ended */
  private constructor(
    readonly folder: string,
    private readonly clock: Clock,
  ) {
    this.home = new Home(join(folder, 'home'))
    this.logs = join(folder, 'logs')
    this.incidents = join(folder, 'incidents')
  }

  /** @throws LifeboatError `FolderNotUsable` when no temporary folder can be reached by PostgreSQL */
  static async set(clock: Clock): Promise<Stage> {
    const account = serverAccount()
    // As root, PostgreSQL runs under another account, which may not enter a private TMPDIR.
    for (const base of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
      try {
        await ensureReachable(base, account)
        const folder = mkdtempSync(join(base, 'lifeboat-demo-'))
        chmodSync(folder, account ? 0o711 : 0o700)
        const stage = new Stage(folder, clock)
        await stage.home.create()
        mkdirSync(stage.logs)
        return stage
      } catch (error) {
        if (!isUnusable(error)) throw error
      }
    }
    throw new LifeboatError('FolderNotUsable', `no temporary folder can be used, not even /tmp`, {
      hint: 'Set TMPDIR to a folder that every account may enter.',
    })
  }

  /** Remembers how to end something that has begun. `unlessKept` leaves it when the demo was told to keep. */
  atTheEnd(what: string, away: () => Promise<void>, { unlessKept = false } = {}): void {
    this.#putAway.push({ what, away, isKept: unlessKept })
  }

  /**
   * Ends everything, the latest first, or all at once when somebody waits for it. Goes on when something does
   * not end, and returns what did not.
   */
  async clear({ keep, atOnce }: { keep: boolean; atOnce: boolean }): Promise<string[]> {
    const begun = this.#putAway.splice(0).reverse()
    const ending = begun.filter(({ isKept }) => !(keep && isKept))
    if (atOnce) return (await Promise.all(ending.map((one) => this.#end(one)))).flat()
    const left: string[] = []
    for (const one of ending) left.push(...(await this.#end(one)))
    return left
  }

  async #end({ what, away }: { what: string; away: () => Promise<void> }): Promise<string[]> {
    const patience = new AbortController()
    const tooLong = this.clock.sleep(CLEARED_WITHIN_MS, patience.signal).then(
      () => 'did not end in time',
      () => undefined,
    )
    const problem = await Promise.race([away().then(() => undefined, wordsOf), tooLong])
    patience.abort()
    return problem ? [`${what}: ${problem}`] : []
  }

  /** Keeps what the region and its servers have logged, before the home goes. */
  keepLogs(): void {
    const names = readdirSync(this.home.folder, { recursive: true, encoding: 'utf8' })
    for (const name of names.filter((one) => one.endsWith('.log'))) {
      copyFileSync(join(this.home.folder, name), join(this.logs, name.replaceAll('/', '-')))
    }
  }

  /** Removes what is not worth keeping: the home, or on `everything` all that the demo has made. */
  remove({ everything }: { everything: boolean }): void {
    const path = everything ? this.folder : this.home.folder
    rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  }
}

function isUnusable(error: unknown): boolean {
  if (error instanceof LifeboatError) return error.code === 'FolderNotUsable'
  const { code } = error as NodeJS.ErrnoException
  return ['ENOENT', 'EACCES', 'EROFS', 'EPERM', 'ENOTDIR'].includes(code ?? '')
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
