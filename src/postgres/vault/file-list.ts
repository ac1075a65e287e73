import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** A file of a data directory, as it was found at the start of a backup. */
export interface SourceFile {
  /** Relative to the data directory. */
  readonly path: string
  readonly length: number
  readonly mtimeMs: number
  readonly relation: Relation | undefined
}

/** A segment of a relation's fork, as its path names it. */
export interface Relation {
  readonly tablespace: number
  readonly database: number
  readonly relfilenode: number
  readonly fork: 'main' | 'fsm' | 'vm' | 'init'
  /** Which gigabyte of it. */
  readonly segment: number
}

export const CONTROL_FILE = 'global/pg_control'
const DEFAULT_TABLESPACE = 1663
const GLOBAL_TABLESPACE = 1664
/** Folders whose content belongs to a running server; they exist, empty, in a restored one. */
const EMPTY_FOLDERS = new Set([
  'pg_wal',
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
])
const NEVER = new Set([
  'postmaster.pid',
  'postmaster.opts',
  'backup_label',
  'backup_label.old',
  'tablespace_map',
  'tablespace_map.old',
  'backup_manifest',
  'current_logfiles',
  'recovery.signal',
  'standby.signal',
  'postgresql.conf',
  'postgresql.auto.conf',
  'pg_hba.conf',
  'pg_ident.conf',
])

/**
 * What a base backup consists of: every file and folder of a data directory but the control file, which is read last, and
 * those of the running server and its configuration. Tablespaces are read through their links and stand under `pg_tblspc/<oid>`.
 *
 * Source: PostgreSQL manual, "Backing Up the Data Directory".
 */
export async function listFiles(
  dataDirectory: string,
): Promise<{ files: SourceFile[]; folders: string[] }> {
  const files: SourceFile[] = []
  const folders: string[] = []
  await walk('')
  const unlogged = new Set(
    files
      .filter(({ relation }) => relation?.fork === 'init')
      .map(({ path }) => path.replace(/_init$/, '')),
  )
  return { files: files.filter((file) => !isUnloggedData(file, unlogged)), folders }

  async function walk(folder: string): Promise<void> {
    const entries = await whenThere(readdir(join(dataDirectory, folder), { withFileTypes: true }))
    // A database that is being dropped.
    if (!entries) return
    await Promise.all(
      entries.map(async (entry) => {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`
        if (isExcluded(path, entry.name)) return
        const isTablespace = folder === 'pg_tblspc' && entry.isSymbolicLink()
        if (entry.isDirectory() || isTablespace) {
          folders.push(path)
          if (!EMPTY_FOLDERS.has(path)) await walk(path)
        } else if (entry.isFile()) {
          const found = await whenThere(stat(join(dataDirectory, path)))
          if (!found) return
          files.push({
            path,
            length: found.size,
            mtimeMs: found.mtimeMs,
            relation: relationOf(path),
          })
        }
      }),
    )
  }
}

/** Reads `base/16384/24576_vm.3` and the like; undefined for whatever is not a relation. */
export function relationOf(path: string): Relation | undefined {
  const found =
    /^(?:global|base\/(\d+)|pg_tblspc\/(\d+)\/PG_\d+_\d+\/(\d+))\/(\d+)(?:_(fsm|vm|init))?(?:\.(\d+))?$/.exec(
      path,
    )
  if (!found) return undefined
  const [, database, tablespace, databaseThere, relfilenode, fork, segment] = found
  return {
    tablespace: tablespace
      ? Number(tablespace)
      : path.startsWith('global/')
        ? GLOBAL_TABLESPACE
        : DEFAULT_TABLESPACE,
    database: Number(database ?? databaseThere ?? 0),
    relfilenode: Number(relfilenode),
    fork: (fork as Relation['fork'] | undefined) ?? 'main',
    segment: Number(segment ?? 0),
  }
}

/** What no backup holds: files of the running server, of its configuration, and of ours. */
export function isExcluded(path: string, name: string): boolean {
  return (
    path === CONTROL_FILE ||
    NEVER.has(path) ||
    path.startsWith('lifeboat.') ||
    name.startsWith('pgsql_tmp') ||
    name.startsWith('pg_internal.init') ||
    /^t\d+_\d+/.test(name) ||
    name.endsWith('.new')
  )
}

function isUnloggedData({ path, relation }: SourceFile, unlogged: ReadonlySet<string>): boolean {
  if (!relation || relation.fork === 'init') return false
  return unlogged.has(path.replace(/(_fsm|_vm)?(\.\d+)?$/, ''))
}

async function whenThere<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
