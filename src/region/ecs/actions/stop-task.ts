import type { StopTaskRequest } from '../../protocol/models/ecs.ts'
import { invalidParameter } from '../checks.ts'
import type { Ecs } from '../ecs.ts'
import { taskShape } from '../tasks/task.ts'
import type { TaskAgent } from '../tasks/task-agent.ts'

/**
 * StopTask: SIGTERM to its processes, and SIGKILL when they have not ended in time. A service starts another one instead.
 *
 * Source: ECS API Reference, StopTask.
 */
export async function stopTask(
  { ecs, agent }: { ecs: Ecs; agent: TaskAgent },
  input: StopTaskRequest,
) {
  const cluster = ecs.getCluster(input.cluster)
  const id = ecs.arns.nameIn('task', input.task ?? '')
  const task = ecs.tasks.find(id)
  if (task?.cluster !== cluster.name) throw invalidParameter('The referenced task was not found.')
  const reason = input.reason ?? 'Task stopped by user'
  await agent.stop(id, { code: 'UserInitiated', reason })
  const stopped = ecs.tasks.find(id) ?? task
  return { task: taskShape(stopped, { clusterArn: cluster.arn, include: ['TAGS'] }) }
}
