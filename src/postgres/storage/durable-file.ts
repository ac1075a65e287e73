import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LifeboatError } from '../../core/errors.ts'

/** Writes a file so that, after any crash, either all of it is there under its name or nothing is (I3). */
export async function writeDurably(
  path: string,
  bytes: Buffer | string | Iterable<Buffer>,
): Promise<void> {
  const unfinished = `${path}.new`
  try {
    const file = await open(unfinished, 'w', 0o600)
    try {
      const parts = typeof bytes === 'string' || Buffer.isBuffer(bytes) ? [bytes] : bytes
      for (const part of parts) await file.writeFile(part)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(unfinished, path)
    await syncFolder(dirname(path))
  } catch (error) {
    throw named(error, path)
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  await syncFile(folder)
}

/** Makes a file's content durable. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A file's bytes, or undefined when there is no such file. */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Puts our name on the failures of a disk that an operator can do something about. */
export function named(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new LifeboatError('DiskFull', `the disk that holds '${path}' is full`, {
      hint: 'Free some space; Lifeboat goes on by itself.',
      cause: error,
    })
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    return new LifeboatError('FolderNotUsable', `'${path}' cannot be written`, {
      hint: 'Give the account that runs Lifeboat the right to write there.',
      cause: error,
    })
  }
  return error
}
