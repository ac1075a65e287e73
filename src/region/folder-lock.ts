import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LifeboatError } from '../core/errors.ts'
import { systemRandom } from '../core/random.ts'
import { diskFull, isDiskFull } from '../postgres/folder-failure.ts'
import { isRunning, type ProcessIdentity, thisProcess } from '../postgres/process-identity.ts'

/**
 * One process owns a folder (I9). Files `lock.1`, `lock.2` … in it name owners by number and start time; the
 * highest one counts.
 *
 * A lock whose owner no longer runs is not removed but outnumbered: whoever links the next number has it, and
 * `link` lets one succeed. So after `kill -9` nothing has to be cleaned by hand, and of many who take over at
 * once one wins. Lower numbers are swept by the owner; who links one of those because its look was old sees
 * the higher one afterwards and gives way.
 */
export class FolderLock {
  private constructor(private readonly file: string) {}

  /** @throws LifeboatError `AlreadyRunning`, naming the holder; `FolderNotUsable` */
  static async acquire(folder: string): Promise<FolderLock> {
    const mine = join(folder, `lock-of-${systemRandom.hex(12)}`)
    try {
      await mkdir(folder, { recursive: true, mode: 0o711 })
      await writeFile(mine, JSON.stringify(thisProcess()), { mode: 0o600 })
    } catch (cause) {
      if (isDiskFull(cause)) {
        // It is there, and empty.
        await rm(mine, { force: true })
        throw diskFull(folder, cause)
      }
      const hint = 'Give this account the right to write there, or use another --home.'
      throw new LifeboatError('FolderNotUsable', `'${folder}' cannot be used`, { hint, cause })
    }
    try {
      while (true) {
        const highest = await highestLock(folder)
        const holder = await readHolder(folder, highest)
        if (holder && isRunning(holder)) throw alreadyRunning(folder, holder)

        const next = highest + 1
        if (!(await linked(mine, lockFile(folder, next)))) continue
        if ((await highestLock(folder)) === next) {
          await sweepBelow(folder, next)
          return new FolderLock(lockFile(folder, next))
        }
        await rm(lockFile(folder, next), { force: true })
      }
    } finally {
      await rm(mine, { force: true })
    }
  }

  async release(): Promise<void> {
    await rm(this.file, { force: true })
  }
}

/** Who holds the lock of a folder now; undefined when nobody does. */
export async function findHolder(folder: string): Promise<ProcessIdentity | undefined> {
  const holder = await readHolder(folder, await highestLock(folder))
  return holder && isRunning(holder) ? holder : undefined
}

function lockFile(folder: string, generation: number): string {
  return join(folder, `lock.${generation}`)
}

/** 0 when the folder has no lock, or is not there. */
async function highestLock(folder: string): Promise<number> {
  return Math.max(0, ...(await generations(folder)))
}

async function generations(folder: string): Promise<number[]> {
  const names = await absent(readdir(folder), [])
  return names.flatMap((name) => {
    const match = /^lock\.(\d+)$/.exec(name)
    return match ? [Number(match[1])] : []
  })
}

async function sweepBelow(folder: string, generation: number): Promise<void> {
  for (const lower of await generations(folder)) {
    if (lower < generation) await rm(lockFile(folder, lower), { force: true })
  }
}

async function readHolder(
  folder: string,
  generation: number,
): Promise<ProcessIdentity | undefined> {
  if (generation === 0) return undefined
  const text = await absent(readFile(lockFile(folder, generation), 'utf8'), undefined)
  return text === undefined ? undefined : JSON.parse(text)
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

async function absent<T, U>(reading: Promise<T>, instead: U): Promise<T | U> {
  try {
    return await reading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return instead
    throw error
  }
}

function alreadyRunning(folder: string, { pid }: ProcessIdentity) {
  return new LifeboatError('AlreadyRunning', `process ${pid} owns '${folder}'`, {
    hint: 'Stop it first with lifeboat region stop, or use another --home.',
  })
}
