import { constants, existsSync } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { LifeboatError } from '../core/errors.ts'
import { diskFull, isDiskFull } from '../postgres/folder-failure.ts'
import { ensureReachable, serverAccount } from '../postgres/server-account.ts'

/**
 * Where Lifeboat's state and data live: `--home`, else `LIFEBOAT_HOME`, else `lifeboat` in the XDG state
 * folder.
 *
 * For root without `XDG_STATE_HOME` it is `/var/lib/lifeboat`: PostgreSQL refuses to run as root, and the
 * account that it runs under instead cannot enter `/root`.
 *
 * Source: XDG Base Directory Specification, "Environment variables".
 */
export function homeFolder(o: {
  option?: string | undefined
  environment: NodeJS.ProcessEnv
  isRoot?: boolean
}): string {
  const { option, environment, isRoot = process.getuid?.() === 0 } = o
  const named = option || environment.LIFEBOAT_HOME
  if (named) return resolve(named)
  const state = environment.XDG_STATE_HOME
  if (state?.startsWith('/')) return join(state, 'lifeboat')
  if (isRoot) return '/var/lib/lifeboat'
  return join(environment.HOME || homedir(), '.local', 'state', 'lifeboat')
}

/** The places in one Lifeboat home. Nothing of Lifeboat lies outside of it; two homes share nothing. */
export class Home {
  constructor(readonly folder: string) {}

  /** Hydrated PostgreSQL binaries, readable by the account that servers run under. */
  get postgresql(): string {
    return join(this.folder, 'postgresql')
  }

  /** Template data directories, from which clusters are cloned. */
  get templates(): string {
    return join(this.folder, 'templates')
  }

  /** Lifeboat's own state: executions, baselines, evidence. */
  get state(): string {
    return join(this.folder, 'state')
  }

  /** Incident documents. */
  get incidents(): string {
    return join(this.folder, 'incidents')
  }

  /** How to reach the Lifeboat process that owns this home, while there is one. */
  get serverFile(): string {
    return join(this.folder, 'server.json')
  }

  /**
   * Makes the folder; safe to call again.
   *
   * As root, others may pass through it but not look: servers run under another account.
   *
   * @throws LifeboatError `FolderNotUsable` when it cannot be made, written or reached
   */
  async create(): Promise<void> {
    const account = serverAccount()
    try {
      await makeFolder(this.folder, account ? 0o711 : 0o700)
      await access(this.folder, constants.W_OK | constants.X_OK)
    } catch (cause) {
      const { message } = cause as Error
      if (isDiskFull(cause)) throw diskFull(this.folder, cause)
      throw new LifeboatError('FolderNotUsable', `'${this.folder}' cannot be used: ${message}`, {
        hint: 'Choose another folder with --home or LIFEBOAT_HOME.',
        cause,
      })
    }
    await ensureReachable(this.folder, account)
  }
}

/** One folder after the other: `mkdir` with `recursive` never returns for a place below `/proc`. */
async function makeFolder(folder: string, mode: number): Promise<void> {
  if (existsSync(folder)) return
  await makeFolder(dirname(folder), mode)
  try {
    await mkdir(folder, { mode })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
