import type { DescribeTasksRequest } from '../../protocol/models/ecs.ts'
import { invalidParameter } from '../checks.ts'
import type { Ecs } from '../ecs.ts'
import { taskShape } from '../tasks/task.ts'

const MOST = 100

/** DescribeTasks: also those that stopped within the last hour. Source: ECS API Reference, DescribeTasks. */
export async function describeTasks(ecs: Ecs, input: DescribeTasksRequest) {
  const cluster = ecs.getCluster(input.cluster)
  const asked = input.tasks ?? []
  if (asked.length < 1) throw invalidParameter('Tasks cannot be empty.')
  if (asked.length > MOST) throw invalidParameter(`Tasks cannot have more than ${MOST} elements.`)
  const answers = asked.map((idOrArn) => {
    const task = ecs.tasks.find(ecs.arns.nameIn('task', idOrArn))
    const arn = idOrArn.startsWith('arn:') ? idOrArn : ecs.arns.task(cluster.name, idOrArn)
    return { task: task?.cluster === cluster.name ? task : undefined, arn }
  })
  const about = { clusterArn: cluster.arn, include: input.include ?? [] }
  return {
    tasks: answers.flatMap(({ task }) => (task ? [taskShape(task, about)] : [])),
    failures: answers.flatMap(({ task, arn }) => (task ? [] : [{ arn, reason: 'MISSING' }])),
  }
}
