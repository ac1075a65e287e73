import { execFile } from 'node:child_process'
import {
  chown,
  constants,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import type { PostgresBinaries } from './binaries.ts'
import { giveTo, makeReachable, type ServerAccount } from './server-account.ts'
import { renewSystemIdentifier } from './system-identifier.ts'

/** In a fresh clone: the password of its superuser until the first start replaces it. */
export const FIRST_PASSWORD_FILE = 'lifeboat.first-password'

export interface Template {
  readonly binaries: PostgresBinaries
  readonly superuser: string
  /** The folder that keeps the templates, shared by all clusters of a home. */
  readonly folder: string
  readonly account: ServerAccount | undefined
}

/**
 * Makes a new data directory by cloning a template that `initdb` made once: about 0.1 s instead of 0.5.
 *
 * The clone has a system identifier of its own. Its superuser still has the template's password, which
 * lies in `FIRST_PASSWORD_FILE`.
 */
export async function cloneTemplate(template: Template, dataDirectory: string): Promise<void> {
  const source = await ensureTemplate(template)
  await copyFolder(source, dataDirectory, template.account)
  await renewSystemIdentifier(dataDirectory, systemRandom)
}

async function ensureTemplate({ binaries, superuser, folder, account }: Template): Promise<string> {
  const home = join(folder, `${binaries.version}-${superuser}`)
  if (await isFolder(home)) return home
  await makeReachable(folder, account)
  const made = await mkdtemp(`${home}-`)
  await giveTo(made, account)
  try {
    await initialize({ binaries, superuser, account, into: made })
    await rename(made, home)
  } catch (error) {
    await rm(made, { recursive: true, force: true })
    if (!(await isFolder(home))) throw error
  }
  return home
}

async function initialize(o: {
  binaries: PostgresBinaries
  superuser: string
  account: ServerAccount | undefined
  into: string
}): Promise<void> {
  const password = systemRandom.hex(32)
  const passwordFile = `${o.into}.password`
  await writeFile(passwordFile, password, { mode: 0o600 })
  await giveTo(passwordFile, o.account)
  // A locale of the operating system would tie the data to this machine's C library: its indexes would be
  // wrong after a restore on another. PostgreSQL's own C.UTF-8 is the same everywhere.
  const locale =
    o.binaries.major >= 17
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
      : ['--locale=C']
  try {
    await promisify(execFile)(
      join(o.binaries.bin, 'initdb'),
      [
        `--pgdata=${o.into}`,
        `--username=${o.superuser}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--data-checksums',
        '--no-sync',
        '--no-instructions',
        ...locale,
      ],
      { cwd: '/', env: { LC_ALL: 'C', PATH: process.env.PATH ?? '' }, ...o.account },
    )
  } catch (cause) {
    const stderr =
      (cause as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? 'no reason given'
    throw new LifeboatError(
      'PostgresFailed',
      `'initdb' could not make a data directory: ${stderr}`,
      { cause },
    )
  } finally {
    await rm(passwordFile)
  }
  await writeFile(join(o.into, FIRST_PASSWORD_FILE), password, { mode: 0o600 })
  await giveTo(join(o.into, FIRST_PASSWORD_FILE), o.account)
}

/** A parallel copy; Node's own recursive copy takes ten times as long. */
async function copyFolder(
  source: string,
  target: string,
  account: ServerAccount | undefined,
): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o700 })
  const entries = await readdir(source, { recursive: true, withFileTypes: true })
  const folders = entries.filter((entry) => entry.isDirectory())
  for (const folder of folders) {
    await mkdir(join(target, join(folder.parentPath, folder.name).slice(source.length)), {
      mode: 0o700,
    })
  }
  await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name)
        const copy = join(target, path.slice(source.length))
        await copyFile(path, copy, constants.COPYFILE_FICLONE)
        if (account) await chown(copy, account.uid, account.gid)
      }),
  )
  if (!account) return
  await chown(target, account.uid, account.gid)
  for (const folder of folders) {
    const path = join(folder.parentPath, folder.name).slice(source.length)
    await chown(join(target, path), account.uid, account.gid)
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** The first password of a fresh clone, or undefined once it has been replaced. */
export async function firstPassword(dataDirectory: string): Promise<string | undefined> {
  try {
    return await readFile(join(dataDirectory, FIRST_PASSWORD_FILE), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
