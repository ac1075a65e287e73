import { readdir, readFile, readlink, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'

/**
 * Ends what a killed parent left running on a data directory, and removes its stale lock file.
 *
 * A process belongs to a data directory when that is its working directory, which is true of `postgres` and of
 * each of its children; a pid alone proves nothing, for it may have been given to another program since.
 */
export async function endOrphans(dataDirectory: string, clock: Clock = systemClock): Promise<void> {
  const orphans = await processesIn(dataDirectory)
  const postmaster = await lockHolder(dataDirectory)
  if (postmaster !== undefined && orphans.includes(postmaster)) {
    // An immediate shutdown lets the postmaster end its children and release its shared memory.
    signal(postmaster, 'SIGQUIT')
    await allGone(dataDirectory, clock, 5_000)
  }
  for (const pid of await processesIn(dataDirectory)) signal(pid, 'SIGKILL')
  if (!(await allGone(dataDirectory, clock, 5_000))) {
    throw new LifeboatError(
      'AlreadyRunning',
      `processes still run on '${dataDirectory}' and cannot be ended`,
      {
        hint: "Look for processes named 'postgres' and end them.",
      },
    )
  }
  await rm(join(dataDirectory, 'postmaster.pid'), { force: true })
}

/** Waits until no process works in the folder; false when some still do after `deadlineMs`. */
export async function allGone(folder: string, clock: Clock, deadlineMs: number): Promise<boolean> {
  const end = clock.monotonicMs() + deadlineMs
  while ((await processesIn(folder)).length > 0) {
    if (clock.monotonicMs() > end) return false
    await clock.sleep(10)
  }
  return true
}

async function processesIn(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const isInside = await Promise.all(
    pids.map(async (pid) => {
      try {
        return (await readlink(`/proc/${pid}/cwd`)) === folder
      } catch (error) {
        // Gone meanwhile, or not ours to look at.
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOENT' || code === 'EACCES' || code === 'EPERM' || code === 'ESRCH')
          return false
        throw error
      }
    }),
  )
  return pids
    .filter((_, index) => isInside[index])
    .map(Number)
    .filter((pid) => pid !== process.pid)
}

async function lockHolder(dataDirectory: string): Promise<number | undefined> {
  try {
    const [pid] = (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')
    return Number(pid)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
