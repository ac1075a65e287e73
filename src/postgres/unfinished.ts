import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const ABANDONED_AFTER_MS = 3_600_000

/**
 * A folder beside `home` in which to prepare what is then renamed to `home`, so that several processes may do
 * so at once and `home` is whole from its first moment. What a killed process abandoned there is removed.
 */
export async function makeUnfinished(home: string): Promise<string> {
  const prefix = `${home}.unfinished-`
  const made = await mkdtemp(prefix)
  // The file system's time, so that its clock need not agree with ours.
  const { mtimeMs: nowMs } = await stat(made)
  for (const name of await readdir(dirname(home))) {
    if (!name.startsWith(basename(prefix))) continue
    const path = join(dirname(home), name)
    if (nowMs - (await changedMs(path)) > ABANDONED_AFTER_MS) {
      await rm(path, { recursive: true, force: true })
    }
  }
  return made
}

async function changedMs(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Number.POSITIVE_INFINITY
    throw error
  }
}
