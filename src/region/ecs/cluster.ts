import type { Cluster, ClusterConfiguration, ClusterSetting } from '../protocol/models/ecs.ts'
import { invalidParameter, refuseUnsupported } from './checks.ts'
import type { Ecs } from './ecs.ts'
import type { Tag } from './tags.ts'

/** A cluster as it is stored. One that is inactive can still be described. */
export interface ClusterRecord {
  readonly name: string
  readonly arn: string
  readonly status: 'ACTIVE' | 'INACTIVE'
  readonly settings: readonly ClusterSetting[]
  readonly tags: readonly Tag[]
}

/** Which cluster is meant when none is named. */
export const DEFAULT_CLUSTER = 'default'

export function clusterShape(
  ecs: Ecs,
  cluster: ClusterRecord,
  include: readonly string[] = [],
): Cluster {
  const { name, arn, status, settings, tags } = cluster
  const tasks = ecs.tasks.inCluster(name)
  const services = ecs.services(name).filter((service) => service.status === 'ACTIVE')
  return {
    clusterArn: arn,
    clusterName: name,
    status,
    // Unlike AWS: tasks are processes of this machine, which is no container instance.
    registeredContainerInstancesCount: 0,
    runningTasksCount: tasks.filter((task) => task.lastStatus === 'RUNNING').length,
    pendingTasksCount: tasks.filter((task) => isPending(task.lastStatus)).length,
    activeServicesCount: services.length,
    statistics: [],
    tags: include.includes('TAGS') ? [...tags] : [],
    settings: include.includes('SETTINGS') ? [...settings] : [],
    capacityProviders: [],
    defaultCapacityProviderStrategy: [],
  }
}

export function isPending(lastStatus: string): boolean {
  return ['PROVISIONING', 'PENDING', 'ACTIVATING'].includes(lastStatus)
}

/** Unlike AWS: Container Insights is kept as a setting; a region's task counts are always measured. */
export function checkedSettings(settings: readonly ClusterSetting[] | undefined): ClusterSetting[] {
  const checked = settings ?? [{ name: 'containerInsights', value: 'disabled' }]
  for (const { name, value = '' } of checked) {
    if (name === 'containerInsights' && ['enabled', 'disabled', 'enhanced'].includes(value))
      continue
    throw invalidParameter(`The cluster setting '${name}' with the value '${value}' is not valid.`)
  }
  return [...checked]
}

/** What CreateCluster and UpdateCluster know and an embedded region does not have. */
export function refuseClusterConfiguration(input: {
  configuration?: ClusterConfiguration | undefined
  serviceConnectDefaults?: object | undefined
  capacityProviders?: readonly string[] | undefined
  defaultCapacityProviderStrategy?: readonly object[] | undefined
}): void {
  refuseUnsupported({
    'configuration.executeCommandConfiguration': input.configuration?.executeCommandConfiguration,
    'configuration.managedStorageConfiguration': input.configuration?.managedStorageConfiguration,
    serviceConnectDefaults: input.serviceConnectDefaults,
    capacityProviders: input.capacityProviders,
    defaultCapacityProviderStrategy: input.defaultCapacityProviderStrategy,
  })
}
