import type { ListTasksRequest } from '../../protocol/models/ecs.ts'
import { invalidParameter } from '../checks.ts'
import type { Ecs } from '../ecs.ts'
import { pageOf } from '../page.ts'

/**
 * ListTasks: those that are to run, unless stopped ones are asked for.
 *
 * Source: ECS API Reference, ListTasks.
 */
export async function listTasks(ecs: Ecs, input: ListTasksRequest) {
  const { name: cluster } = ecs.getCluster(input.cluster)
  const { family, startedBy, launchType, desiredStatus = 'RUNNING' } = input
  if (!['RUNNING', 'STOPPED', 'PENDING'].includes(desiredStatus)) {
    throw invalidParameter(`desiredStatus '${desiredStatus}' is not valid.`)
  }
  const hasOthers = [family, input.serviceName, input.containerInstance].some(Boolean)
  if (startedBy !== undefined && hasOthers) {
    throw invalidParameter('startedBy must be the only filter.')
  }
  const service =
    input.serviceName === undefined ? undefined : ecs.getService(cluster, input.serviceName).name
  const found = ecs.tasks
    .inCluster(cluster)
    .filter((task) => task.desiredStatus === desiredStatus)
    .filter((task) => family === undefined || task.family === family)
    .filter((task) => startedBy === undefined || task.startedBy === startedBy)
    .filter((task) => service === undefined || task.service === service)
    .filter((task) => launchType === undefined || task.launchType === launchType)
  // Unlike AWS: there are no container instances, so that none of them runs a task.
  const { items, next } = pageOf(input.containerInstance ? [] : found, input)
  return { taskArns: items.map(({ arn }) => arn), ...next }
}
