import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { basename } from 'node:path'
import type { Clock } from '../core/clock.ts'
import { killIfThere } from '../postgres/process-identity.ts'

/** How long processes that were killed may take to be gone, in milliseconds. */
const DEADLINE_MS = 10_000
const POLL_MS = 5

/**
 * SIGKILL to every process that has the mark in the environment that it was started with, and to all that descend from one;
 * resolves when all are gone. One that was started without it, as by `env -i`, is not found once its parent has ended.
 *
 * @throws Error when one is still there after ten seconds, as one that waits for a disk may be
 */
export async function killMarked(mark: string, clock: Clock): Promise<void> {
  const end = clock.monotonicMs() + DEADLINE_MS
  for (;;) {
    const alive = markedProcesses(mark)
    if (alive.length === 0) return
    for (const pid of alive) killIfThere(pid)
    if (clock.monotonicMs() > end) {
      throw new Error(`processes ${alive.join(', ')} of this region cannot be ended`)
    }
    await clock.sleep(POLL_MS)
  }
}

function markedProcesses(mark: string): number[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  const found = new Set(
    all.filter((pid) => pid !== process.pid && readProcess(pid, 'environ').includes(mark)),
  )
  if (found.size > 0) addDescendants(found, all)
  return [...found]
}

function addDescendants(found: Set<number>, all: readonly number[]): void {
  const parentOf = new Map(all.map((pid) => [pid, parentIn(readProcess(pid, 'stat'))]))
  let size: number
  do {
    size = found.size
    for (const [pid, parent] of parentOf) if (found.has(parent)) found.add(pid)
  } while (found.size > size)
}

/** 0 for one that has gone, or that has ended and only waits to be noticed. The name in parentheses may hold anything. */
function parentIn(stat: string): number {
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === 'Z' ? 0 : Number(parent ?? 0)
}

/** Empty for a process that has gone meanwhile, for its remains, and for one of another account. */
function readProcess(pid: number, file: 'environ' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return ''
    throw error
  }
}

/** A prefix with which the kernel kills a process when we die. It needs setpriv of util-linux. */
export function deathSignal(): string[] {
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find(
    (path) => existsSync(path) && basename(realpathSync(path)) === 'setpriv',
  )
  return setpriv ? [setpriv, '--pdeathsig', 'KILL', '--'] : []
}
