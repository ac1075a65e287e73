import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Random } from '../core/random.ts'

/** A process that executes runbooks, told apart from all others, also from later ones with its number. */
export interface Executor {
  readonly id: string
  /** For people. */
  readonly host: string
  /** One kernel since it was started, and one numbering of processes on it. */
  readonly machine: string
  readonly pid: number
  /** When the kernel started the process. Source: proc(5), field 22 of `/proc/PID/stat`. */
  readonly startedTicks: number
}

/** From another machine a process counts as gone when nothing was heard of it for this long. */
export const SILENCE_SECONDS = 30

/** This process, from here on. */
export function thisExecutor(random: Random): Executor {
  const { pid } = process
  return {
    id: `${pid}@${hostname()}/${random.hex(8)}`,
    host: hostname(),
    machine: thisMachine(),
    pid,
    startedTicks: startedTicks(pid) ?? 0,
  }
}

/** Whether the process that was noted can no longer be executing. */
export function isGone(executor: Executor, heartbeatAgeSeconds: number): boolean {
  if (executor.machine !== thisMachine()) return heartbeatAgeSeconds > SILENCE_SECONDS
  return startedTicks(executor.pid) !== executor.startedTicks
}

/** Containers on one machine share its boot, but not its process numbers. */
function thisMachine(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return `${boot}/${readlinkSync('/proc/self/ns/pid')}`
}

/** Undefined when no such process runs, or only its remains are there. */
function startedTicks(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command's name stands in parentheses and may hold anything, so count from its end.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : Number(fields[19])
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}
