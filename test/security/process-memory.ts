import { readFileSync } from 'node:fs'

/** The resident memory of a process, in bytes. Source: proc(5), VmRSS. */
export function memoryBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? []
  if (!kilobytes) throw new Error(`process ${pid} does not run`)
  return Number(kilobytes) * 1024
}
