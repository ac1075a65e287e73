import { readFileSync } from 'node:fs'

/**
 * A process, told apart from a later one with the same number: by the moment the kernel started it.
 *
 * Source: proc(5), fields 3 (state), 4 (ppid) and 22 (starttime, in clock ticks since boot) of `/proc/PID/stat`.
 */
export interface ProcessIdentity {
  readonly pid: number
  readonly startedTicks: number
  readonly bootId: string
}

/** The identity of a process that runs; undefined when there is none, or only its remains. */
export function findProcess(pid: number): ProcessIdentity | undefined {
  const fields = readStat(pid)
  if (!fields || fields.state === 'Z' || fields.state === 'X') return undefined
  return { pid, startedTicks: fields.startedTicks, bootId: bootId() }
}

/** This process. */
export function thisProcess(): ProcessIdentity {
  const found = findProcess(process.pid)
  if (!found) throw new Error('/proc does not show this process')
  return found
}

/** Whether the very process that was noted still runs. */
export function isRunning(noted: ProcessIdentity): boolean {
  const found = findProcess(noted.pid)
  return found?.startedTicks === noted.startedTicks && found.bootId === noted.bootId
}

/** Sends a signal to a process, or with `group` to its whole group, if it is still the one that was noted. */
export function signal(
  noted: ProcessIdentity,
  name: NodeJS.Signals,
  { group = false }: { group?: boolean } = {},
): boolean {
  if (!isRunning(noted)) return false
  try {
    return process.kill(group ? -noted.pid : noted.pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** SIGKILL to a process that may have gone meanwhile. */
export function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function readStat(pid: number): { state: string; startedTicks: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command's name stands in parentheses and may hold anything, so count from its end.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0]!, startedTicks: Number(fields[19]) }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

let ownBootId: string | undefined

/** No process outlives a boot. */
function bootId(): string {
  ownBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return ownBootId
}
