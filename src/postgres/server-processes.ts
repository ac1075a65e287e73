import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { LifeboatError } from '../core/errors.ts'
import { findProcess, killIfThere, thisProcess } from './process-identity.ts'
import { findSharedMemory, releaseSharedMemory } from './shared-memory.ts'

/** On a server's command line: which process of ours started it, as its pid and start time. */
const OWNER_SETTING = 'lifeboat.owner'
const END_DEADLINE_MS = 10_000

/** What to put on a server's command line so that another process can tell whether its owner still lives. */
export function ownerSetting(): string {
  const { pid, startedTicks } = thisProcess()
  return `${OWNER_SETTING}=${pid}.${startedTicks}`
}

/**
 * Ends what a killed process of ours left running on a data directory: an orphaned postmaster, or backends whose
 * postmaster was killed and which are still busy. Removes its lock file, whose pid may be somebody else's by now.
 *
 * A process belongs to a data directory when it is `postgres` and works in it, as the postmaster and each of its
 * children do; a pid alone proves nothing.
 *
 * @throws LifeboatError `AlreadyRunning` when the server's owner lives (I9) or the server is not one of ours
 */
export async function endOrphans(dataDirectory: string, clock: Clock): Promise<void> {
  const holder = await lockHolder(dataDirectory)
  if (holder === undefined) return
  if (serverProcesses(dataDirectory).includes(Math.abs(holder))) {
    refuseUnlessOrphaned(holder, dataDirectory)
  }
  await killServer(dataDirectory, clock)
}

/**
 * SIGKILL to every process that works on a data directory; resolves when all are gone, and with them their shared
 * memory and the lock file, so that a server can be started at once.
 *
 * The postmaster dies first: then there are no new children. A busy child would live on until it next waits.
 *
 * @throws LifeboatError `AlreadyRunning` when one of them cannot be killed
 */
export async function killServer(dataDirectory: string, clock: Clock): Promise<void> {
  const postmaster = await lockHolder(dataDirectory)
  const memory = await findSharedMemory(dataDirectory, serverProcesses(dataDirectory))
  if (postmaster !== undefined && serverProcesses(dataDirectory).includes(postmaster)) {
    killIfThere(postmaster)
  }
  const end = clock.monotonicMs() + END_DEADLINE_MS
  for (;;) {
    const alive = serverProcesses(dataDirectory)
    if (alive.length === 0) break
    for (const pid of alive) killIfThere(pid)
    if (clock.monotonicMs() > end) {
      throw new LifeboatError(
        'AlreadyRunning',
        `processes ${alive.join(', ')} still run on '${dataDirectory}' and cannot be ended`,
        { hint: 'Look at them with ps: a process that waits for a disk cannot be killed.' },
      )
    }
    await clock.sleep(2)
  }
  await releaseSharedMemory(memory)
  await rm(join(dataDirectory, 'postmaster.pid'), { force: true })
}

function refuseUnlessOrphaned(postmaster: number, dataDirectory: string): void {
  const owner = ownerOf(postmaster)
  if (!owner) {
    throw new LifeboatError(
      'AlreadyRunning',
      `process ${Math.abs(postmaster)}, which Lifeboat did not start, runs on '${dataDirectory}'`,
      { hint: 'Stop that server first, for instance with pg_ctl.' },
    )
  }
  if (findProcess(owner.pid)?.startedTicks !== owner.startedTicks) return
  throw new LifeboatError('AlreadyRunning', `process ${owner.pid} owns '${dataDirectory}'`, {
    hint: 'Stop it first, or use another --home.',
  })
}

/** The processes of the server on a data directory, in no order; remains of dead ones do not count. */
function serverProcesses(dataDirectory: string): number[] {
  const folder = realFolder(dataDirectory)
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const cwd = readLink(`/proc/${pid}/cwd`)
      if (cwd !== folder && cwd !== `${folder} (deleted)`) return false
      const program = readLink(`/proc/${pid}/exe`)
      // One that is just dying has no program any more, but still holds the server's memory.
      return program === undefined || basename(program).startsWith('postgres')
    })
    .map(Number)
}

function realFolder(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return path
    throw error
  }
}

/** The pid in the lock file; negative for a server in single-user mode. */
async function lockHolder(dataDirectory: string): Promise<number | undefined> {
  try {
    const [pid] = (await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n')
    return Number.parseInt(pid ?? '', 10) || 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function ownerOf(postmaster: number): { pid: number; startedTicks: number } | undefined {
  const argv = readProc(`/proc/${Math.abs(postmaster)}/cmdline`) ?? ''
  const owner = new RegExp(`${OWNER_SETTING.replace('.', '\\.')}=(\\d+)\\.(\\d+)\\0`).exec(argv)
  return owner ? { pid: Number(owner[1]), startedTicks: Number(owner[2]) } : undefined
}

/** Undefined for a process that has gone meanwhile, or that is not ours to look at. */
function readProc(path: string): string | undefined {
  return whenVisible(() => readFileSync(path, 'utf8'))
}

function readLink(path: string): string | undefined {
  return whenVisible(() => readlinkSync(path))
}

function whenVisible(read: () => string): string | undefined {
  try {
    return read()
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return undefined
    throw error
  }
}
