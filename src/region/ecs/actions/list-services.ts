import type { ListServicesRequest } from '../../protocol/models/ecs.ts'
import type { Ecs } from '../ecs.ts'
import { pageOf } from '../page.ts'

const USUAL_RESULTS = 10

/** ListServices: those of a cluster that are active. Source: ECS API Reference, ListServices. */
export async function listServices(ecs: Ecs, input: ListServicesRequest) {
  const { name: cluster } = ecs.getCluster(input.cluster)
  const { launchType, schedulingStrategy = 'REPLICA' } = input
  const found = ecs
    .services(cluster)
    .filter(({ status }) => status === 'ACTIVE')
    .filter((service) => launchType === undefined || service.launchType === launchType)
  const { items, next } = pageOf(
    schedulingStrategy === 'REPLICA' ? found : [],
    input,
    USUAL_RESULTS,
  )
  return { serviceArns: items.map(({ arn }) => arn), ...next }
}
