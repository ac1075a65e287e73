import { EcsFault, type UpdateServiceRequest } from '../../protocol/models/ecs.ts'
import type { Ecs } from '../ecs.ts'
import { checkedLaunch, checkedPropagation } from '../launch-options.ts'
import {
  checkedConfiguration,
  checkedRebalancing,
  refuseServiceOptions,
} from '../rollout-configuration.ts'
import type { ServiceScheduler } from '../scheduler/service-scheduler.ts'
import { newDeployment, type ServiceRecord, serviceShape } from '../service-record.ts'
import { checkedDesiredCount, gracePeriod } from './create-service.ts'

/**
 * UpdateService: its desired count, or what its tasks are. Another task definition, network or platform, or
 * `forceNewDeployment`, begins a deployment, which replaces all tasks.
 *
 * Source: ECS API Reference, UpdateService.
 */
export async function updateService(
  { ecs, scheduler }: { ecs: Ecs; scheduler: ServiceScheduler },
  input: UpdateServiceRequest,
) {
  const { name: cluster } = ecs.getCluster(input.cluster)
  const { name } = ecs.getService(cluster, input.service)
  refuseServiceOptions(input)
  const service = await ecs.changeService({ cluster, name }, (before) => {
    if (before.status !== 'ACTIVE') {
      throw new EcsFault('ServiceNotActiveException', 'Service was not ACTIVE.')
    }
    return updated(ecs, before, input)
  })
  scheduler.ensure(service)
  return { service: serviceShape(ecs, service, ['TAGS']) }
}

function updated(ecs: Ecs, before: ServiceRecord, input: UpdateServiceRequest): ServiceRecord {
  const [primary] = before.deployments
  const current = primary!.taskDefinitionArn
  const definition =
    input.taskDefinition === undefined
      ? ecs.findTaskDefinition(current)!
      : ecs.getActiveTaskDefinition(input.taskDefinition)
  const launch = checkedLaunch({ ...before, ...given(input) }, definition)
  const wasSame =
    definition.arn === current &&
    launch.platformVersion === before.platformVersion &&
    JSON.stringify(launch.networkConfiguration) === JSON.stringify(before.networkConfiguration)
  const isNew = input.forceNewDeployment === true || !wasSame
  return {
    ...before,
    ...launch,
    desiredCount: checkedDesiredCount(input.desiredCount, before.desiredCount),
    configuration: checkedConfiguration(input.deploymentConfiguration, before.configuration),
    deployments: isNew
      ? [newDeployment(ecs, definition.arn), ...before.deployments]
      : before.deployments,
    propagateTags: checkedPropagation(input.propagateTags ?? before.propagateTags),
    enableECSManagedTags: input.enableECSManagedTags ?? before.enableECSManagedTags,
    enableExecuteCommand: input.enableExecuteCommand ?? before.enableExecuteCommand,
    availabilityZoneRebalancing: checkedRebalancing(
      input.availabilityZoneRebalancing ?? before.availabilityZoneRebalancing,
    ),
    ...gracePeriod(input.healthCheckGracePeriodSeconds),
  }
}

/** What of the way to run tasks is asked to change. */
function given(input: UpdateServiceRequest) {
  const { platformVersion, networkConfiguration, capacityProviderStrategy } = input
  const { placementConstraints, placementStrategy, volumeConfigurations } = input
  const asked = {
    ...{ platformVersion, networkConfiguration, capacityProviderStrategy },
    ...{ placementConstraints, placementStrategy, volumeConfigurations },
  }
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined))
}
