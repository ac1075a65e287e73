import type { Checker, Health, HealthCheck } from './health-check.ts'

/** More than so many of the checkers must find an endpoint healthy. Source: Route 53 Developer Guide, "How Amazon Route 53 determines whether a health check is healthy". */
const HEALTHY_SHARE = 0.18

/**
 * Whether a health check is healthy, by what its checkers think.
 *
 * @param isHealthy  the status of the health checks that a calculated one counts
 */
export function judge(
  check: HealthCheck,
  { checkers, isUnknown }: Pick<Health, 'checkers' | 'isUnknown'>,
  isHealthy: (id: string) => boolean,
): boolean {
  return (check.isDisabled || seemsHealthy()) !== check.isInverted

  function seemsHealthy(): boolean {
    switch (check.kind) {
      case 'endpoint': {
        const healthy = checkers.filter((checker) => checker.isHealthy).length
        return healthy > HEALTHY_SHARE * checkers.length
      }
      case 'calculated':
        return check.children.filter(isHealthy).length >= check.healthyAtLeast
      case 'alarm':
        if (isUnknown && check.whenUnknown !== 'last known') return check.whenUnknown === 'healthy'
        return checkers[0]?.isHealthy ?? true
    }
  }
}

/** A checker changes its mind after so many results in a row that contradict it. */
export function afterResult(
  { isHealthy, contradictions }: Pick<Checker, 'isHealthy' | 'contradictions'>,
  isSuccess: boolean,
  threshold: number,
): Pick<Checker, 'isHealthy' | 'contradictions'> {
  if (isSuccess === isHealthy) return { isHealthy, contradictions: 0 }
  return contradictions + 1 >= threshold
    ? { isHealthy: isSuccess, contradictions: 0 }
    : { isHealthy, contradictions: contradictions + 1 }
}
