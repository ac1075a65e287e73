import { readdirSync, readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** What a piece of work took of the machine. */
export interface Usage {
  /** Processor time of the whole machine, the server's part included, in seconds. */
  readonly cpuSeconds: number
  /** The most memory that the contender's own processes held together, shared pages counted once, in bytes. */
  readonly peakBytes: number
}

const SAMPLE_MS = 50
/** Of /proc/stat. Source: proc(5); USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** Runs `work` and tells what it took. `isOurs` says which processes are the contender's, by pid, parent and name. */
export async function measured<Result>(
  isOurs: (process: ProcessRow, all: readonly ProcessRow[]) => boolean,
  work: () => Promise<Result>,
): Promise<{ result: Result; seconds: number; usage: Usage }> {
  let peakBytes = 0
  const sample = () => {
    const all = processes()
    const bytes = all
      .filter((row) => isOurs(row, all))
      .reduce((sum, { pid }) => sum + memoryOf(pid), 0)
    peakBytes = Math.max(peakBytes, bytes)
  }
  const cpuBefore = busyTicks()
  const startMs = performance.now()
  const timer = setInterval(sample, SAMPLE_MS)
  try {
    const result = await work()
    const seconds = (performance.now() - startMs) / 1000
    const cpuSeconds = (busyTicks() - cpuBefore) / TICKS_PER_SECOND
    sample()
    return { result, seconds, usage: { cpuSeconds, peakBytes } }
  } finally {
    clearInterval(timer)
  }
}

export interface ProcessRow {
  readonly pid: number
  readonly parent: number
  readonly name: string
}

/** Whether a process is `root` or descends from it without a PostgreSQL server in between. */
export function descendsFrom(root: number, row: ProcessRow, all: readonly ProcessRow[]): boolean {
  if (row.name === 'postgres') return false
  if (row.pid === root) return true
  const parent = all.find(({ pid }) => pid === row.parent)
  return parent !== undefined && descendsFrom(root, parent, all)
}

function processes(): ProcessRow[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const stat = readProc(`/proc/${pid}/stat`)
      const found = /^\d+ \((.*)\) \S (\d+)/s.exec(stat)
      return found ? [{ pid: Number(pid), parent: Number(found[2]), name: found[1]! }] : []
    })
}

function memoryOf(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB/m.exec(readProc(`/proc/${pid}/smaps_rollup`))?.[1]
  return Number(kilobytes ?? 0) * 1024
}

function busyTicks(): number {
  const [user, nice, system, , , irq, softIrq] = readProc('/proc/stat')
    .split('\n')[0]!
    .replace(/^cpu\s+/, '')
    .split(' ')
    .map(Number)
  return user! + nice! + system! + irq! + softIrq!
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(code)) return ''
    throw error
  }
}

/** How busy the machine is with other things: runnable processes, averaged over a minute. */
export function load(): number {
  return Number(readProc('/proc/loadavg').split(' ')[0])
}

export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
