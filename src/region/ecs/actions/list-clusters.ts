import type { ListClustersRequest } from '../../protocol/models/ecs.ts'
import type { Ecs } from '../ecs.ts'
import { pageOf } from '../page.ts'

/** ListClusters: those that are active. Source: ECS API Reference, ListClusters. */
export async function listClusters(ecs: Ecs, input: ListClustersRequest) {
  const active = ecs.clusters().filter(({ status }) => status === 'ACTIVE')
  const { items, next } = pageOf(active, input)
  return { clusterArns: items.map(({ arn }) => arn), ...next }
}
