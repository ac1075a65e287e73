import type { Measurement, MetricSource } from '../metric-source.ts'
import { isPending } from './cluster.ts'
import type { Ecs } from './ecs.ts'

/**
 * Measures how many tasks services are to have and have. Unlike AWS: they are measured whether or not Container Insights is switched on.
 *
 * Source: ECS Developer Guide, "Amazon ECS Container Insights metrics".
 */
export class TaskCounts implements MetricSource {
  constructor(private readonly ecs: Ecs) {}

  async sample(): Promise<readonly Measurement[]> {
    return this.ecs.services().flatMap((service) => {
      if (service.status === 'INACTIVE') return []
      const tasks = this.ecs.tasks.ofService(service)
      const running = tasks.filter(({ lastStatus }) => lastStatus === 'RUNNING').length
      const pending = tasks.filter(({ lastStatus }) => isPending(lastStatus)).length
      const dimensions = { ClusterName: service.cluster, ServiceName: service.name }
      const counts = {
        DesiredTaskCount: service.desiredCount,
        RunningTaskCount: running,
        PendingTaskCount: pending,
        DeploymentCount: service.status === 'ACTIVE' ? service.deployments.length : 0,
      }
      return Object.entries(counts).map(
        ([name, value]): Measurement => ({
          ...{ namespace: 'ECS/ContainerInsights', name, unit: 'Count', dimensions, value },
        }),
      )
    })
  }
}
