import type { Checker, Observation } from '../../../dns/health/health-check.ts'
import type {
  GetHealthCheckLastFailureReasonRequest,
  GetHealthCheckStatusRequest,
  HealthCheckObservation,
  HealthCheckRegion,
} from '../../protocol/models/route-53.ts'
import { invalidInput, type Route53 } from '../route53.ts'

/** Every checker looks from this machine, whatever region it stands for. */
const CHECKER_ADDRESS = '127.0.0.1'

/**
 * GetHealthCheckStatus: what each checker has found last, also when the name server is dead by now: the times say so. What the
 * check is inverted to is not in it.
 *
 * Unlike AWS: one checker stands for each region, and all of them are on this machine.
 * Source: Route 53 API Reference, GetHealthCheckStatus.
 */
export async function getHealthCheckStatus(
  route53: Route53,
  { HealthCheckId }: GetHealthCheckStatusRequest,
) {
  return { HealthCheckObservations: observations(route53, HealthCheckId, ({ last }) => last) }
}

/** GetHealthCheckLastFailureReason: what each checker has found when it last failed. */
export async function getHealthCheckLastFailureReason(
  route53: Route53,
  { HealthCheckId }: GetHealthCheckLastFailureReasonRequest,
) {
  return {
    HealthCheckObservations: observations(route53, HealthCheckId, ({ lastFailure }) => lastFailure),
  }
}

function observations(
  route53: Route53,
  asked: string | undefined,
  seen: (checker: Checker) => Observation | undefined,
): HealthCheckObservation[] {
  const { id, config } = route53.getCheck(asked)
  if (config.Type === 'CALCULATED') {
    throw invalidInput(
      'Invalid parameter : calculated health checks have no checkers of their own.',
    )
  }
  const checkers = route53.dataPlane.load(id)?.checkers ?? []
  return checkers.flatMap((checker) => {
    const observation = seen(checker)
    if (!observation) return []
    return {
      Region: checker.location as HealthCheckRegion,
      IPAddress: CHECKER_ADDRESS,
      StatusReport: { Status: observation.status, CheckedTime: new Date(observation.at) },
    }
  })
}
