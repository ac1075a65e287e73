import { execFile } from 'node:child_process'
import { access, constants, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { LifeboatError } from '../core/errors.ts'
import { hydrateEmbeddedBinaries } from './embedded-binaries.ts'

/** One installation of PostgreSQL's server programs. */
export interface PostgresBinaries {
  readonly major: number
  /** As the server says it: `18.4`. */
  readonly version: string
  /** The folder that holds `postgres` and `initdb`. */
  readonly bin: string
  readonly source: 'embedded' | 'environment' | 'system'
}

/** Where distributions put their server programs: Debian and its kin, then Red Hat and its kin. */
const SYSTEM_PLACES: readonly (readonly [root: string, name: RegExp])[] = [
  ['/usr/lib/postgresql', /^\d+$/],
  ['/usr', /^pgsql-\d+$/],
]
/** The oldest whose base backups and checksums work as we use them. */
const OLDEST_MAJOR = 15

/**
 * Every usable PostgreSQL, newest major first, one for each major: those that `LIFEBOAT_PG_BIN` names
 * (folders, separated by `:`) before the embedded one before the system's.
 *
 * @param cache  a folder for the embedded binaries, which are copied there once
 * @throws LifeboatError `PostgresMissing` when there is none, or when `LIFEBOAT_PG_BIN` names one that does
 *   not run; `FolderNotUsable`, `DiskFull` for `cache`
 */
export async function findPostgresBinaries({
  cache,
  environment = process.env,
}: {
  cache: string
  environment?: NodeJS.ProcessEnv
}): Promise<PostgresBinaries[]> {
  const named = (environment.LIFEBOAT_PG_BIN ?? '').split(':').filter(Boolean)
  const embedded = await hydrateEmbeddedBinaries(cache)
  const inspected = await Promise.all([
    ...named.map((bin) => inspect(bin, 'environment')),
    ...(embedded ? [inspect(embedded, 'embedded')] : []),
    ...(await systemFolders()).map((bin) => inspect(bin, 'system')),
  ])
  const unusable = inspected.filter((one) => 'reason' in one)
  const wrong = unusable.find(({ source }) => source === 'environment')
  if (wrong) {
    throw new LifeboatError(
      'PostgresMissing',
      `LIFEBOAT_PG_BIN names '${wrong.bin}', which cannot be used: ${wrong.reason}`,
      { hint: `Set it to folders with PostgreSQL ${OLDEST_MAJOR} or newer, or unset it.` },
    )
  }
  const byMajor = new Map<number, PostgresBinaries>()
  for (const binaries of inspected) {
    if ('reason' in binaries || byMajor.has(binaries.major)) continue
    byMajor.set(binaries.major, binaries)
  }
  if (byMajor.size === 0) throw nothingUsable(unusable)
  return [...byMajor.values()].sort((a, b) => b.major - a.major)
}

interface Unusable {
  readonly bin: string
  readonly source: PostgresBinaries['source']
  readonly reason: string
}

async function inspect(
  bin: string,
  source: PostgresBinaries['source'],
): Promise<PostgresBinaries | Unusable> {
  try {
    await access(join(bin, 'initdb'), constants.X_OK)
    const { stdout } = await promisify(execFile)(join(bin, 'postgres'), ['--version'])
    const version = /\(PostgreSQL\) (\d+[.\w]*)/.exec(stdout)?.[1]
    const major = Number.parseInt(version ?? '', 10)
    if (!version || Number.isNaN(major))
      return { bin, source, reason: `it says '${stdout.trim()}'` }
    if (major < OLDEST_MAJOR) return { bin, source, reason: `PostgreSQL ${version} is too old` }
    return { major, version, bin, source }
  } catch (error) {
    // A program for another machine, one whose libraries are missing, or none at all.
    if (!(error instanceof Error && 'code' in error)) throw error
    const stderr = 'stderr' in error && typeof error.stderr === 'string' ? error.stderr.trim() : ''
    return { bin, source, reason: stderr || error.message }
  }
}

async function systemFolders(): Promise<string[]> {
  const found = await Promise.all(
    SYSTEM_PLACES.map(async ([root, name]) =>
      (await namesIn(root))
        .filter((entry) => name.test(entry))
        .map((entry) => join(root, entry, 'bin')),
    ),
  )
  return found.flat()
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function nothingUsable(unusable: readonly Unusable[]): LifeboatError {
  const reasons = unusable.map(({ bin, reason }) => `; '${bin}': ${reason}`).join('')
  return new LifeboatError(
    'PostgresMissing',
    `no PostgreSQL server was found that runs${reasons}`,
    {
      hint: "Run 'npm ci', or set LIFEBOAT_PG_BIN to the folder that holds 'postgres' and 'initdb'.",
    },
  )
}
