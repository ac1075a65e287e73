/** Source: ECS Developer Guide, "Amazon ECS service throttle logic". */
const LONGEST_DELAY_MS = 27 * 60_000
const FIRST_DELAY_MS = 1000
/** So many may fail before the next has to wait, and before a deployment can fail. */
export const UNTHROTTLED_FAILURES = 3

/**
 * How long a service waits before it starts a task when the last ones failed to start, in milliseconds.
 *
 * @param failures  in a row
 */
export function restartDelayMs(failures: number): number {
  if (failures < UNTHROTTLED_FAILURES) return 0
  return Math.min(FIRST_DELAY_MS * 2 ** (failures - UNTHROTTLED_FAILURES), LONGEST_DELAY_MS)
}

/**
 * How many tasks may fail to start until the circuit breaker fails a deployment.
 *
 * Source: ECS Developer Guide, "How the Amazon ECS deployment circuit breaker detects failures".
 */
export function failureThreshold(desiredCount: number): number {
  return Math.min(200, Math.max(3, Math.ceil(desiredCount / 2)))
}
