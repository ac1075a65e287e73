import type { CreateServiceRequest } from '../../protocol/models/ecs.ts'
import type { Caller } from '../../protocol/service.ts'
import { checkedCount, checkedName, invalidParameter } from '../checks.ts'
import type { Ecs } from '../ecs.ts'
import { checkedLaunch, checkedPropagation } from '../launch-options.ts'
import {
  checkedConfiguration,
  checkedRebalancing,
  refuseServiceOptions,
} from '../rollout-configuration.ts'
import type { ServiceScheduler } from '../scheduler/service-scheduler.ts'
import { newDeployment, type ServiceRecord, serviceShape } from '../service-record.ts'
import { checkedTags } from '../tags.ts'

export const MOST_TASKS = 5000

/**
 * CreateService: a service whose tasks are started from then on. Asked again for the same it answers what is there.
 *
 * Source: ECS API Reference, CreateService.
 */
export async function createService(
  { ecs, scheduler }: { ecs: Ecs; scheduler: ServiceScheduler },
  input: CreateServiceRequest,
  caller: Caller,
) {
  const name = checkedName('The service name', input.serviceName)
  const { name: cluster } = ecs.getCluster(input.cluster)
  refuseServiceOptions(input)
  const definition = ecs.getActiveTaskDefinition(input.taskDefinition)
  const made: ServiceRecord = {
    cluster,
    name,
    arn: ecs.arns.service(cluster, name),
    status: 'ACTIVE',
    desiredCount: checkedDesiredCount(input.desiredCount),
    ...checkedLaunch(input, definition),
    configuration: checkedConfiguration(input.deploymentConfiguration),
    deployments: [newDeployment(ecs, definition.arn)],
    events: [],
    propagateTags: checkedPropagation(input.propagateTags),
    enableECSManagedTags: input.enableECSManagedTags ?? false,
    enableExecuteCommand: input.enableExecuteCommand ?? false,
    availabilityZoneRebalancing: checkedRebalancing(input.availabilityZoneRebalancing),
    ...gracePeriod(input.healthCheckGracePeriodSeconds),
    tags: checkedTags(input.tags),
    createdAt: ecs.timestamp(),
    createdBy: caller.arn,
    request: JSON.stringify({ ...input, clientToken: undefined, cluster }),
  }
  // No cluster is deleted meanwhile.
  const service = await ecs.inTurn(`cluster ${cluster}`, () =>
    ecs.inTurn(`service ${cluster}/${name}`, async () => {
      ecs.getCluster(cluster)
      const known = ecs.findService(cluster, name)
      if (known && known.status !== 'INACTIVE') return sameOr(known, made)
      await ecs.putService(made)
      return made
    }),
  )
  scheduler.ensure(service)
  return { service: serviceShape(ecs, service, ['TAGS']) }
}

export function checkedDesiredCount(count: number | undefined, usual = 0): number {
  return checkedCount('desiredCount', count, { least: 0, most: MOST_TASKS, usual })
}

export function gracePeriod(seconds: number | undefined) {
  if (seconds === undefined) return {}
  return {
    healthCheckGracePeriodSeconds: checkedCount('healthCheckGracePeriodSeconds', seconds, {
      least: 0,
      most: 2_147_483_647,
      usual: 0,
    }),
  }
}

function sameOr(known: ServiceRecord, made: ServiceRecord): ServiceRecord {
  if (known.status === 'DRAINING') {
    throw invalidParameter('Unable to Start a service that is still Draining.')
  }
  if (known.request !== made.request) {
    throw invalidParameter('Creation of service was not idempotent.')
  }
  return known
}
