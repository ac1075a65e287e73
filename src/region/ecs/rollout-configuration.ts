import type {
  AvailabilityZoneRebalancing,
  DeploymentConfiguration,
  DeploymentController,
} from '../protocol/models/ecs.ts'
import { checkedCount, invalidParameter, refuseUnsupported } from './checks.ts'
import type { RolloutConfiguration } from './service-record.ts'

const USUAL: RolloutConfiguration = {
  minimumHealthyPercent: 100,
  maximumPercent: 200,
  circuitBreaker: { enable: false, rollback: false },
}

/**
 * How a service is deployed; what is not given stays as it was before.
 *
 * @throws EcsFault `InvalidParameterException`, `UnsupportedOperation`
 * Source: ECS API Reference, DeploymentConfiguration.
 */
export function checkedConfiguration(
  input: DeploymentConfiguration | undefined,
  before: RolloutConfiguration = USUAL,
): RolloutConfiguration {
  const { deploymentCircuitBreaker: breaker, strategy = 'ROLLING', alarms } = input ?? {}
  refuseUnsupported({
    [`the deployment strategy ${strategy}`]: strategy !== 'ROLLING',
    'deploymentConfiguration.alarms': alarms?.enable,
    'deploymentConfiguration.lifecycleHooks': input?.lifecycleHooks,
    'deploymentConfiguration.linearConfiguration': input?.linearConfiguration,
    'deploymentConfiguration.canaryConfiguration': input?.canaryConfiguration,
    'deploymentConfiguration.bakeTimeInMinutes': (input?.bakeTimeInMinutes ?? 0) > 0,
    'deploymentCircuitBreaker.resetOnHealthyTask': breaker?.resetOnHealthyTask === false,
    'deploymentCircuitBreaker.thresholdConfiguration': breaker?.thresholdConfiguration,
  })
  const { minimumHealthyPercent, maximumPercent } = before
  const checked = {
    minimumHealthyPercent: checkedCount(
      'minimumHealthyPercent',
      input?.minimumHealthyPercent ?? undefined,
      { least: 0, most: 100, usual: minimumHealthyPercent },
    ),
    maximumPercent: checkedCount('maximumPercent', input?.maximumPercent ?? undefined, {
      least: 100,
      most: 200,
      usual: maximumPercent,
    }),
    circuitBreaker: breaker
      ? { enable: breaker.enable === true, rollback: breaker.rollback === true }
      : before.circuitBreaker,
  }
  if (checked.minimumHealthyPercent === 100 && checked.maximumPercent === 100) {
    throw invalidParameter(
      'Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.',
    )
  }
  return checked
}

/** What services know and an embedded region does not have. */
export function refuseServiceOptions(input: {
  readonly loadBalancers?: readonly object[] | undefined
  readonly serviceRegistries?: readonly object[] | undefined
  readonly serviceConnectConfiguration?: { readonly enabled?: boolean | undefined } | undefined
  readonly vpcLatticeConfigurations?: readonly object[] | undefined
  readonly deploymentController?: DeploymentController | undefined
  readonly schedulingStrategy?: string | undefined
  readonly role?: string | undefined
}): void {
  const { deploymentController, schedulingStrategy = 'REPLICA' } = input
  const controller = deploymentController?.type ?? 'ECS'
  refuseUnsupported({
    loadBalancers: input.loadBalancers,
    serviceRegistries: input.serviceRegistries,
    serviceConnectConfiguration: input.serviceConnectConfiguration?.enabled,
    vpcLatticeConfigurations: input.vpcLatticeConfigurations,
    role: input.role,
    [`the deployment controller ${controller}`]: controller !== 'ECS',
    [`the scheduling strategy ${schedulingStrategy}`]: schedulingStrategy !== 'REPLICA',
  })
}

export function checkedRebalancing(asked: AvailabilityZoneRebalancing | undefined) {
  if (asked === undefined || asked === 'ENABLED' || asked === 'DISABLED') return asked ?? 'DISABLED'
  throw invalidParameter(`availabilityZoneRebalancing '${asked}' is not valid.`)
}
