import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'

/** How long the machine has been running: a time that passes by itself and that nobody can set. */
export interface RunningTime {
  /** Names the start of the machine that `elapsedMs` counts from. */
  readonly boot: string
  elapsedMs(): number
}

/** Source: proc(5), `/proc/sys/kernel/random/boot_id`, and `/proc/uptime`, which counts suspended time too. */
export const machineRunningTime: RunningTime = {
  get boot() {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  },
  elapsedMs: () => uptime() * 1000,
}
