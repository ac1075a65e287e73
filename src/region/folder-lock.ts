import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { isRunning, type ProcessIdentity, thisProcess } from './process-identity.ts'

/**
 * One process owns a folder (I9): a file `lock` in it names the owner by number and start time.
 *
 * The file is linked into place whole, so it has an owner from its first moment. A lock whose owner no
 * longer runs is taken over: after `kill -9` nothing has to be cleaned by hand.
 */
export class FolderLock {
  private constructor(private readonly file: string) {}

  /** @throws LifeboatError `AlreadyRunning`, naming the holder; `FolderNotUsable` */
  static async acquire(folder: string): Promise<FolderLock> {
    const file = join(folder, 'lock')
    const mine = `${file}.${systemRandom.hex(12)}`
    try {
      await mkdir(folder, { recursive: true, mode: 0o711 })
      await writeFile(mine, JSON.stringify(thisProcess()), { mode: 0o600 })
    } catch (cause) {
      const hint = 'Give this account the right to write there, or use another --home.'
      throw new LifeboatError('FolderNotUsable', `'${folder}' cannot be used`, { hint, cause })
    }
    try {
      while (!(await linked(mine, file))) {
        const holder = await readHolder(file)
        if (holder && isRunning(holder)) throw alreadyRunning(folder, holder)
        if (holder) await removeStale(file, holder)
      }
    } finally {
      await rm(mine, { force: true })
    }
    return new FolderLock(file)
  }

  async release(): Promise<void> {
    await rm(this.file, { force: true })
  }
}

/** Who holds the lock of a folder now; undefined when nobody does. */
export async function findHolder(folder: string): Promise<ProcessIdentity | undefined> {
  const holder = await readHolder(join(folder, 'lock'))
  return holder && isRunning(holder) ? holder : undefined
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function readHolder(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Moves the stale lock aside first: if another process was quicker, what is moved is its lock and goes back. */
async function removeStale(file: string, stale: ProcessIdentity): Promise<void> {
  const aside = `${file}.${systemRandom.hex(12)}`
  try {
    await rename(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  const moved = await readHolder(aside)
  const isStale = moved?.pid === stale.pid && moved.startedTicks === stale.startedTicks
  if (!isStale) await linked(aside, file)
  await rm(aside, { force: true })
}

function alreadyRunning(folder: string, { pid }: ProcessIdentity) {
  return new LifeboatError('AlreadyRunning', `process ${pid} owns '${folder}'`, {
    hint: 'Stop it first with lifeboat region stop, or use another --home.',
  })
}
