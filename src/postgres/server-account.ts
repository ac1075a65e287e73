import { readFileSync } from 'node:fs'
import { chown, mkdir, readdir, stat } from 'node:fs/promises'
import { dirname, join, parse } from 'node:path'
import { LifeboatError } from '../core/errors.ts'

/** The operating-system account that PostgreSQL runs as. */
export interface ServerAccount {
  readonly uid: number
  readonly gid: number
}

/**
 * The account for PostgreSQL: `nobody` when we are root, because PostgreSQL refuses to run as root
 * and `initdb` needs an account that has a name; undefined, meaning our own, otherwise.
 */
export function serverAccount(): ServerAccount | undefined {
  if (process.getuid?.() !== 0) return undefined
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'))
  const [, , uid, gid] = line?.split(':') ?? []
  return { uid: Number(uid ?? 65_534), gid: Number(gid ?? 65_534) }
}

/** Makes a folder, and all that is in it, the server account's own; nothing to do when that is us. */
export async function giveTo(path: string, account: ServerAccount | undefined): Promise<void> {
  if (!account) return
  await chown(path, account.uid, account.gid)
  if (!(await stat(path)).isDirectory()) return
  const entries = await readdir(path, { recursive: true })
  await Promise.all(entries.map((entry) => chown(join(path, entry), account.uid, account.gid)))
}

/**
 * Checks that the server account can enter every folder on the way to `path`.
 *
 * @throws LifeboatError `FolderNotUsable` naming the first folder that the account cannot enter
 */
export async function ensureReachable(
  path: string,
  account: ServerAccount | undefined,
): Promise<void> {
  if (!account) return
  for (const folder of foldersDownTo(path)) {
    const { mode, uid, gid } = await stat(folder)
    const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001
    if (mode & bit) continue
    throw new LifeboatError(
      'FolderNotUsable',
      `'${folder}' cannot be entered by the account that PostgreSQL runs as (uid ${account.uid})`,
      { hint: 'Choose another folder with --home, or run Lifeboat as an ordinary user.' },
    )
  }
}

function foldersDownTo(path: string): string[] {
  return path === parse(path).root ? [path] : [...foldersDownTo(dirname(path)), path]
}

/** Makes a folder, and those above it that are missing, so that the server account can enter it. */
export async function makeReachable(
  path: string,
  account: ServerAccount | undefined,
): Promise<void> {
  await ensureReachable(await nearestFolder(path), account)
  await mkdir(path, { recursive: true, mode: account ? 0o711 : 0o700 })
}

async function nearestFolder(path: string): Promise<string> {
  try {
    return (await stat(path)).isDirectory() ? path : dirname(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return nearestFolder(dirname(path))
  }
}
