import { type DeleteClusterRequest, EcsFault } from '../../protocol/models/ecs.ts'
import { clusterShape } from '../cluster.ts'
import type { Ecs } from '../ecs.ts'
import { isStopped } from '../tasks/task.ts'

/**
 * DeleteCluster: makes a cluster inactive, which has neither services nor tasks; it can still be described.
 *
 * Source: ECS API Reference, DeleteCluster.
 */
export async function deleteCluster(ecs: Ecs, input: DeleteClusterRequest) {
  const { name } = ecs.getCluster(input.cluster)
  return await ecs.inTurn(`cluster ${name}`, async () => {
    const before = ecs.getCluster(name)
    if (ecs.services(name).some(({ status }) => status !== 'INACTIVE')) {
      throw new EcsFault(
        'ClusterContainsServicesException',
        'The Cluster cannot be deleted while Services are active.',
      )
    }
    if (!ecs.tasks.inCluster(name).every(isStopped)) {
      throw new EcsFault(
        'ClusterContainsTasksException',
        'The Cluster cannot be deleted while Tasks are active.',
      )
    }
    const cluster = { ...before, status: 'INACTIVE' as const }
    await ecs.putCluster(cluster)
    return { cluster: clusterShape(ecs, cluster, ['TAGS', 'SETTINGS']) }
  })
}
