import {
  chmod,
  constants,
  copyFile,
  lchown,
  mkdir,
  open,
  readdir,
  readlink,
  stat,
  symlink,
} from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { ServerAccount } from './server-account.ts'

const SYNCS_AT_ONCE = 64

/**
 * Copies a folder with all that is in it to a new place, keeping modes, in parallel: Node's own recursive copy
 * takes ten times as long.
 *
 * @param account   whose the copy is to be; our own when undefined
 * @param isWanted  asked with each path relative to `source`; a folder that is not wanted is left out whole
 */
export async function copyTree(
  source: string,
  target: string,
  o: { account?: ServerAccount | undefined; isWanted?: (path: string) => boolean } = {},
): Promise<void> {
  const { account, isWanted = () => true } = o
  const entries = (await readdir(source, { recursive: true, withFileTypes: true })).map(
    (entry) => ({
      entry,
      path: relative(source, join(entry.parentPath, entry.name)),
    }),
  )
  const wanted = entries.filter(({ path }) => withAncestors(path).every(isWanted))
  const folders = ['', ...wanted.filter(({ entry }) => entry.isDirectory()).map(({ path }) => path)]
  // A parent's path is shorter than its child's.
  for (const path of folders.sort((a, b) => a.length - b.length)) {
    await mkdir(join(target, path), { mode: 0o700 })
  }
  await Promise.all(
    wanted
      .filter(({ entry }) => !entry.isDirectory())
      .map(async ({ entry, path }) => {
        const [from, to] = [join(source, path), join(target, path)]
        if (entry.isSymbolicLink()) await symlink(await readlink(from), to)
        else await copyFile(from, to, constants.COPYFILE_FICLONE)
        if (account) await lchown(to, account.uid, account.gid)
      }),
  )
  // Last, because a folder without the right to write could not be filled.
  await Promise.all(
    folders.map(async (path) => {
      await chmod(join(target, path), (await stat(join(source, path))).mode & 0o7777)
      if (account) await lchown(join(target, path), account.uid, account.gid)
    }),
  )
}

/**
 * Makes a folder with all that is in it durable, file by file: what else the disk is busy with is not waited for. What
 * vanishes meanwhile, as in the folder of a running server, need not be durable.
 */
export async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
  // A few at a time: each is an open file.
  for (let first = 0; first < paths.length; first += SYNCS_AT_ONCE) {
    await Promise.all(paths.slice(first, first + SYNCS_AT_ONCE).map(syncIfThere))
  }
  await syncPath(folder)
}

async function syncIfThere(path: string): Promise<void> {
  try {
    await syncPath(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** Makes one file, or the names in one folder, durable. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function withAncestors(path: string): string[] {
  const parts = path.split('/')
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}
