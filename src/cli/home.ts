import { accessSync, constants, existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { LifeboatError } from '../core/errors.ts'

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
   * Others may pass through it but not look: servers of root run under another account.
   *
   * @throws LifeboatError `FolderNotUsable` when it cannot be made, written or reached
   */
  create(): void {
    try {
      makeFolder(this.folder, 0o711)
      accessSync(this.folder, constants.W_OK | constants.X_OK)
    } catch (cause) {
      throw unusable(
        this.folder,
        `'${this.folder}' cannot be used: ${(cause as Error).message}`,
        cause,
      )
    }
  }
}

/** One folder after the other: `mkdirSync` with `recursive` never returns for a place below `/proc`. */
function makeFolder(folder: string, mode: number): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder), mode)
  try {
    mkdirSync(folder, { mode })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function unusable(folder: string, message: string, cause?: unknown): LifeboatError {
  const hint = folder.startsWith('/root')
    ? 'Choose a folder outside of /root with --home, such as /var/lib/lifeboat.'
    : 'Choose another folder with --home or LIFEBOAT_HOME.'
  return new LifeboatError('FolderNotUsable', message, { hint, cause })
}
