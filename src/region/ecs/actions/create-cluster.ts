import type { CreateClusterRequest } from '../../protocol/models/ecs.ts'
import { checkedName } from '../checks.ts'
import {
  type ClusterRecord,
  checkedSettings,
  clusterShape,
  DEFAULT_CLUSTER,
  refuseClusterConfiguration,
} from '../cluster.ts'
import type { Ecs } from '../ecs.ts'
import { checkedTags } from '../tags.ts'

/**
 * CreateCluster: a cluster, `default` when no name is given. One that is there already is answered as it is.
 *
 * Source: ECS API Reference, CreateCluster.
 */
export async function createCluster(ecs: Ecs, input: CreateClusterRequest) {
  const name = checkedName('The cluster name', input.clusterName ?? DEFAULT_CLUSTER)
  refuseClusterConfiguration(input)
  const made: ClusterRecord = {
    name,
    arn: ecs.arns.cluster(name),
    status: 'ACTIVE',
    settings: checkedSettings(input.settings),
    tags: checkedTags(input.tags),
  }
  return await ecs.inTurn(`cluster ${name}`, async () => {
    const known = ecs.findCluster(name)
    const cluster = known?.status === 'ACTIVE' ? known : made
    if (cluster === made) await ecs.putCluster(made)
    return { cluster: clusterShape(ecs, cluster, ['TAGS', 'SETTINGS']) }
  })
}
