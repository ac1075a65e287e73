import { readdirSync, readFileSync } from 'node:fs'
import type { Clock } from '../../../core/clock.ts'

/** How long processes that were killed may take to be gone, in milliseconds. */
const DEADLINE_MS = 10_000
const POLL_MS = 5

/**
 * SIGKILL to every process of a container, also to those that its own processes started; resolves when all are gone.
 *
 * They are told by what stands in the environment that they were started with. One that was started without it, as by
 * `env -i`, is not found.
 *
 * @throws Error when one is still there after ten seconds, as one that waits for a disk may be
 */
export async function killMarked(mark: string, clock: Clock): Promise<void> {
  const end = clock.monotonicMs() + DEADLINE_MS
  for (;;) {
    const alive = markedProcesses(mark)
    if (alive.length === 0) return
    for (const pid of alive) kill(pid)
    if (clock.monotonicMs() > end) {
      throw new Error(`processes ${alive.join(', ')} of a container cannot be ended`)
    }
    await clock.sleep(POLL_MS)
  }
}

/** What stands in the environment of a container's processes: where it can ask about itself. */
export function markOf(runtimeId: string): string {
  return `/v4/${runtimeId}`
}

function markedProcesses(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && environmentOf(pid).includes(`${mark}\0`))
}

/** Empty for a process that has gone meanwhile, for its remains, and for one of another account. */
function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return ''
    throw error
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
