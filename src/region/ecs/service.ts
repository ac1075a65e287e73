import { join } from 'node:path'
import type { MetricSource } from '../metric-source.ts'
import { type EcsActions, ecsModel } from '../protocol/models/ecs.ts'
import type { Service } from '../protocol/service.ts'
import { ecsAccesses } from './accesses.ts'
import { createCluster } from './actions/create-cluster.ts'
import { createService } from './actions/create-service.ts'
import { deleteCluster } from './actions/delete-cluster.ts'
import { deleteService } from './actions/delete-service.ts'
import { deregisterTaskDefinition } from './actions/deregister-task-definition.ts'
import { describeClusters } from './actions/describe-clusters.ts'
import { describeServices } from './actions/describe-services.ts'
import { describeTaskDefinition } from './actions/describe-task-definition.ts'
import { describeTasks } from './actions/describe-tasks.ts'
import { listClusters } from './actions/list-clusters.ts'
import { listServices } from './actions/list-services.ts'
import { listTagsForResource } from './actions/list-tags-for-resource.ts'
import { listTaskDefinitionFamilies, listTaskDefinitions } from './actions/list-task-definitions.ts'
import { listTasks } from './actions/list-tasks.ts'
import { registerTaskDefinition } from './actions/register-task-definition.ts'
import { runTask } from './actions/run-task.ts'
import { stopTask } from './actions/stop-task.ts'
import { tagResource } from './actions/tag-resource.ts'
import { untagResource } from './actions/untag-resource.ts'
import { updateCluster, updateClusterSettings } from './actions/update-cluster.ts'
import { updateService } from './actions/update-service.ts'
import { Ecs, type EcsOptions } from './ecs.ts'
import { ServiceScheduler } from './scheduler/service-scheduler.ts'
import { TaskCounts } from './task-counts.ts'
import { TaskAgent, type TaskAgentOptions } from './tasks/task-agent.ts'

export interface OpenedEcs {
  readonly service: Service
  readonly metrics: MetricSource
  /** Brings services to their desired counts. */
  begin(): void
  close(): Promise<void>
}

/**
 * Amazon ECS, whose tasks are processes of this machine.
 *
 * Unlike AWS: there are no load balancers, service discovery, container instances, capacity providers, daemons, task sets, volumes and
 * execute-command. What an embedded region could only pretend to do is refused.
 *
 * @param o.folder  holds the output of containers
 */
export async function openEcs(
  o: EcsOptions & Omit<TaskAgentOptions, 'tasks' | 'logFolder'> & { readonly folder: string },
): Promise<OpenedEcs> {
  const ecs = new Ecs(o)
  const agent = await TaskAgent.open({ ...o, tasks: ecs.tasks, logFolder: join(o.folder, 'logs') })
  const scheduler = new ServiceScheduler(ecs, agent, o.onError)
  return {
    service: {
      model: ecsModel,
      actions: { ...actionsOf(ecs), ...runningActions({ ecs, agent, scheduler }) },
      accesses: (operation, input) => ecsAccesses(ecs, operation, input),
    },
    metrics: new TaskCounts(ecs),
    begin: () => scheduler.begin(),
    close: async () => {
      await scheduler.close()
      await agent.close()
    },
  }
}

function actionsOf(ecs: Ecs) {
  return {
    CreateCluster: (input) => createCluster(ecs, input),
    DeleteCluster: (input) => deleteCluster(ecs, input),
    DeregisterTaskDefinition: (input) => deregisterTaskDefinition(ecs, input),
    DescribeClusters: (input) => describeClusters(ecs, input),
    DescribeServices: (input) => describeServices(ecs, input),
    DescribeTaskDefinition: (input) => describeTaskDefinition(ecs, input),
    DescribeTasks: (input) => describeTasks(ecs, input),
    ListClusters: (input) => listClusters(ecs, input),
    ListServices: (input) => listServices(ecs, input),
    ListTagsForResource: (input) => listTagsForResource(ecs, input),
    ListTaskDefinitionFamilies: (input) => listTaskDefinitionFamilies(ecs, input),
    ListTaskDefinitions: (input) => listTaskDefinitions(ecs, input),
    ListTasks: (input) => listTasks(ecs, input),
    RegisterTaskDefinition: (input, caller) => registerTaskDefinition(ecs, input, caller),
    TagResource: (input) => tagResource(ecs, input),
    UntagResource: (input) => untagResource(ecs, input),
    UpdateCluster: (input) => updateCluster(ecs, input),
    UpdateClusterSettings: (input) => updateClusterSettings(ecs, input),
  } satisfies EcsActions
}

/** Those that start or stop tasks. */
function runningActions(parts: { ecs: Ecs; agent: TaskAgent; scheduler: ServiceScheduler }) {
  return {
    CreateService: (input, caller) => createService(parts, input, caller),
    DeleteService: (input) => deleteService(parts, input),
    RunTask: (input) => runTask(parts, input),
    StopTask: (input) => stopTask(parts, input),
    UpdateService: (input) => updateService(parts, input),
  } satisfies EcsActions
}
