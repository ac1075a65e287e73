import type { DeregisterTaskDefinitionRequest } from '../../protocol/models/ecs.ts'
import { clientError, invalidParameter } from '../checks.ts'
import type { Ecs } from '../ecs.ts'
import { taskDefinitionShape } from '../task-definition.ts'

/**
 * DeregisterTaskDefinition: a revision from which nothing new is started; what uses it goes on.
 *
 * Source: ECS API Reference, DeregisterTaskDefinition.
 */
export async function deregisterTaskDefinition(ecs: Ecs, input: DeregisterTaskDefinitionRequest) {
  const name = input.taskDefinition ?? ''
  const named = ecs.arns.nameIn('task-definition', name)
  if (!/^[\w-]+:\d+$/.test(named)) {
    throw invalidParameter('Invalid revision number. Number: null')
  }
  return await ecs.inTurn(`family ${named.split(':')[0]}`, async () => {
    const before = ecs.findTaskDefinition(named)
    if (!before) throw clientError('The specified task definition does not exist.')
    const isActive = before.status === 'ACTIVE'
    const definition = isActive
      ? { ...before, status: 'INACTIVE' as const, deregisteredAt: ecs.timestamp() }
      : before
    if (isActive) await ecs.putTaskDefinition(definition)
    return { taskDefinition: taskDefinitionShape(definition) }
  })
}
