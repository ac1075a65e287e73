import type { DescribeTaskDefinitionRequest } from '../../protocol/models/ecs.ts'
import { clientError } from '../checks.ts'
import type { Ecs } from '../ecs.ts'
import { taskDefinitionShape } from '../task-definition.ts'

/** DescribeTaskDefinition: a revision, or the latest active one of a family. Source: ECS API Reference, DescribeTaskDefinition. */
export async function describeTaskDefinition(ecs: Ecs, input: DescribeTaskDefinitionRequest) {
  const definition = ecs.findTaskDefinition(input.taskDefinition ?? '')
  if (!definition) throw clientError('Unable to describe task definition.')
  return {
    taskDefinition: taskDefinitionShape(definition),
    ...(input.include?.includes('TAGS') ? { tags: [...definition.tags] } : {}),
  }
}
