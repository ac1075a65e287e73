import { type DeleteServiceRequest, EcsFault } from '../../protocol/models/ecs.ts'
import { invalidParameter } from '../checks.ts'
import type { Ecs } from '../ecs.ts'
import type { ServiceScheduler } from '../scheduler/service-scheduler.ts'
import { serviceShape } from '../service-record.ts'

/**
 * DeleteService: drains a service, which is inactive once its tasks have stopped; one that is scaled above 0 only with `force`.
 *
 * Source: ECS API Reference, DeleteService.
 */
export async function deleteService(
  { ecs, scheduler }: { ecs: Ecs; scheduler: ServiceScheduler },
  input: DeleteServiceRequest,
) {
  const { name: cluster } = ecs.getCluster(input.cluster)
  const { name } = ecs.getService(cluster, input.service)
  const service = await ecs.changeService({ cluster, name }, (before) => {
    if (before.status === 'DRAINING') return before
    if (before.status !== 'ACTIVE') {
      throw new EcsFault('ServiceNotActiveException', 'Service was not ACTIVE.')
    }
    if (before.desiredCount > 0 && !input.force) {
      throw invalidParameter('The service cannot be stopped while it is scaled above 0.')
    }
    return { ...before, status: 'DRAINING', desiredCount: 0 }
  })
  scheduler.ensure(service)
  return { service: serviceShape(ecs, service) }
}
