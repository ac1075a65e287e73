import { spawn } from 'node:child_process'
import type { Clock } from '../../../core/clock.ts'
import { serverAccount } from '../../../postgres/server-account.ts'
import type { HealthCheck } from '../../protocol/models/ecs.ts'
import type { ProcessPlan } from './process-plan.ts'
import type { HealthStatus } from './task.ts'

/**
 * Checks a container's health until the signal aborts, and tells each change.
 *
 * Failures count once the start period is over; so many in a row make it unhealthy, and one success makes it healthy.
 *
 * @param passes  runs the check once
 * Source: ECS API Reference, HealthCheck.
 */
export async function watchHealth(o: {
  check: HealthCheck
  passes: () => Promise<boolean>
  tell: (status: HealthStatus) => Promise<void>
  clock: Clock
  signal: AbortSignal
}): Promise<void> {
  const { check, clock, signal } = o
  const graceEndMs = clock.monotonicMs() + (check.startPeriod ?? 0) * 1000
  let status: HealthStatus = 'UNKNOWN'
  let failures = 0
  while (!signal.aborted) {
    await clock.sleep((check.interval ?? 30) * 1000, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
    if (signal.aborted) return
    const hasPassed = await o.passes()
    if (hasPassed) failures = 0
    else if (clock.monotonicMs() >= graceEndMs || status === 'HEALTHY') failures += 1
    const next: HealthStatus = hasPassed
      ? 'HEALTHY'
      : failures >= (check.retries ?? 3)
        ? 'UNHEALTHY'
        : status
    if (next !== status && !signal.aborted) await o.tell(next)
    status = next
  }
}

/** Runs a health check beside the container's process, as that one is run. True when it ends with 0 in time. */
export async function passesCheck(plan: ProcessPlan, check: HealthCheck): Promise<boolean> {
  const [kind, ...words] = check.command ?? []
  const [program, ...parameters] = kind === 'CMD-SHELL' ? ['/bin/sh', '-c', ...words] : words
  const child = spawn(program!, parameters, {
    cwd: plan.workingDirectory,
    env: { ...plan.environment },
    stdio: 'ignore',
    timeout: (check.timeout ?? 5) * 1000,
    killSignal: 'SIGKILL',
    ...(plan.asOwner ? {} : serverAccount()),
  })
  return await new Promise((resolve) => {
    child.once('exit', (code) => resolve(code === 0))
    child.once('error', () => resolve(false))
  })
}
