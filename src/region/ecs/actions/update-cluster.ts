import type {
  UpdateClusterRequest,
  UpdateClusterSettingsRequest,
} from '../../protocol/models/ecs.ts'
import { checkedSettings, clusterShape, refuseClusterConfiguration } from '../cluster.ts'
import type { Ecs } from '../ecs.ts'

/** UpdateCluster: its settings. Source: ECS API Reference, UpdateCluster. */
export async function updateCluster(ecs: Ecs, input: UpdateClusterRequest) {
  refuseClusterConfiguration(input)
  const { name } = ecs.getCluster(input.cluster)
  return await ecs.inTurn(`cluster ${name}`, async () => {
    const before = ecs.getCluster(name)
    const settings = input.settings ? checkedSettings(input.settings) : before.settings
    const cluster = { ...before, settings }
    await ecs.putCluster(cluster)
    return { cluster: clusterShape(ecs, cluster, ['TAGS', 'SETTINGS']) }
  })
}

/** UpdateClusterSettings. Source: ECS API Reference, UpdateClusterSettings. */
export async function updateClusterSettings(ecs: Ecs, input: UpdateClusterSettingsRequest) {
  return await updateCluster(ecs, { cluster: input.cluster, settings: input.settings })
}
