import { EcsFault, type RunTaskRequest, type TaskOverride } from '../../protocol/models/ecs.ts'
import { checkedCount, clientError, invalidParameter, refuseUnsupported } from '../checks.ts'
import type { Ecs } from '../ecs.ts'
import { checkedLaunch } from '../launch-options.ts'
import { newTask } from '../new-task.ts'
import { checkedTags, withTags } from '../tags.ts'
import type { TaskDefinitionRecord } from '../task-definition.ts'
import { taskShape } from '../tasks/task.ts'
import type { TaskAgent } from '../tasks/task-agent.ts'

/**
 * RunTask: starts tasks that belong to no service. Asked again with the same token it answers the tasks that it started.
 *
 * Source: ECS API Reference, RunTask.
 */
export async function runTask(
  { ecs, agent }: { ecs: Ecs; agent: TaskAgent },
  input: RunTaskRequest,
) {
  const cluster = ecs.getCluster(input.cluster)
  const definition = ecs.getActiveTaskDefinition(input.taskDefinition)
  const { launchType, platformVersion } = checkedLaunch(input, definition)
  const count = checkedCount('count', input.count, { least: 1, most: 10, usual: 1 })
  checkOverrides(input.overrides, definition)
  const tags = withTags(
    input.propagateTags === 'TASK_DEFINITION' ? definition.tags : [],
    checkedTags(input.tags),
  )
  if ((input.startedBy?.length ?? 0) > 128) {
    throw invalidParameter('startedBy has at most 128 characters.')
  }
  const client =
    input.clientToken === undefined
      ? undefined
      : { token: input.clientToken, request: JSON.stringify(input) }
  return await ecs.inTurn(`cluster ${cluster.name}`, async () => {
    ecs.getCluster(cluster.name)
    const known = ecs.tasks.list().filter((task) => client && task.client?.token === client.token)
    if (known.some((task) => task.client?.request !== client?.request)) {
      throw new EcsFault('ConflictException', 'The clientToken is in use with another request.')
    }
    const tasks = [...known]
    for (let i = known.length; i < count; i += 1) {
      const task = newTask(ecs, definition, {
        cluster: cluster.name,
        ...(input.group === undefined ? {} : { group: input.group }),
        ...(input.startedBy === undefined ? {} : { startedBy: input.startedBy }),
        ...(client ? { client } : {}),
        launchType,
        ...(platformVersion === undefined ? {} : { platformVersion }),
        overrides: input.overrides,
        enableExecuteCommand: input.enableExecuteCommand ?? false,
        tags,
      })
      if (!(await agent.launch(task, definition.content))) break
      tasks.push(task)
    }
    const missing = Array.from({ length: count - tasks.length }, () => ({
      arn: cluster.arn,
      reason: 'RESOURCE:PORTS',
    }))
    const shapes = tasks.map((task) =>
      taskShape(task, { clusterArn: cluster.arn, include: ['TAGS'] }),
    )
    return { tasks: shapes, failures: missing }
  })
}

function checkOverrides(
  overrides: TaskOverride | undefined,
  { content }: TaskDefinitionRecord,
): void {
  refuseUnsupported({
    'overrides.inferenceAcceleratorOverrides': overrides?.inferenceAcceleratorOverrides,
  })
  for (const override of overrides?.containerOverrides ?? []) {
    refuseUnsupported({
      'containerOverrides.environmentFiles': override.environmentFiles,
      'containerOverrides.resourceRequirements': override.resourceRequirements,
    })
    if (content.containerDefinitions.some(({ name }) => name === override.name)) continue
    throw invalidParameter(
      `Override for container named ${override.name} is not a container in the TaskDefinition.`,
    )
  }
  for (const { name = '' } of overrides?.containerOverrides?.flatMap(
    ({ environment = [] }) => environment,
  ) ?? []) {
    if (name !== '' && !/[=\0]/.test(name)) continue
    throw clientError('An overridden environment variable has no name.')
  }
}
