import type { NetworkMode, RegisterTaskDefinitionRequest } from '../../protocol/models/ecs.ts'
import type { Caller } from '../../protocol/service.ts'
import { checkedName, clientError, refuseUnsupported } from '../checks.ts'
import { checkedContainers } from '../container-definitions.ts'
import type { Ecs } from '../ecs.ts'
import { checkedTags } from '../tags.ts'
import {
  type TaskDefinitionContent,
  type TaskDefinitionRecord,
  taskDefinitionShape,
} from '../task-definition.ts'
import { checkedSize, isFargateSize } from '../task-size.ts'

const NETWORK_MODES: readonly (NetworkMode | undefined)[] = [
  undefined,
  'awsvpc',
  'bridge',
  'host',
  'none',
]

/**
 * RegisterTaskDefinition: the next revision of a family.
 *
 * Unlike AWS: an image is a name in `images.json` of the home, which is read when a task starts.
 * Source: ECS API Reference, RegisterTaskDefinition.
 */
export async function registerTaskDefinition(
  ecs: Ecs,
  input: RegisterTaskDefinitionRequest,
  caller: Caller,
) {
  const family = checkedName('The family', input.family)
  const content = checkedContent(input)
  const tags = checkedTags(input.tags)
  return await ecs.inTurn(`family ${family}`, async () => {
    const revision = (ecs.revisionsOf(family).at(-1)?.revision ?? 0) + 1
    const definition: TaskDefinitionRecord = {
      family,
      revision,
      arn: ecs.arns.taskDefinition(family, revision),
      status: 'ACTIVE',
      registeredAt: ecs.timestamp(),
      registeredBy: caller.arn,
      content,
      tags,
    }
    await ecs.putTaskDefinition(definition)
    return { taskDefinition: taskDefinitionShape(definition), tags }
  })
}

function checkedContent(input: RegisterTaskDefinitionRequest): TaskDefinitionContent {
  const { volumes, placementConstraints, pidMode, ipcMode, proxyConfiguration } = input
  const { inferenceAccelerators, enableFaultInjection, networkMode } = input
  refuseUnsupported({
    ...{ volumes, placementConstraints, pidMode, ipcMode, proxyConfiguration },
    ...{ inferenceAccelerators, enableFaultInjection },
  })
  if (!NETWORK_MODES.includes(networkMode)) {
    throw clientError(`The network mode '${networkMode}' is not valid.`)
  }
  const size = checkedSize(input.cpu, input.memory)
  const containerDefinitions = checkedContainers(input.containerDefinitions ?? [], { networkMode })
  if (containerDefinitions.some(({ secrets }) => secrets) && !input.executionRoleArn) {
    throw clientError(
      "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
    )
  }
  for (const { name, memory, memoryReservation } of containerDefinitions) {
    if (memory ?? memoryReservation ?? size.memory) continue
    throw clientError(
      `Invalid setting for container '${name}'. At least one of 'memory' or 'memoryReservation' must be specified.`,
    )
  }
  const isFargate = networkMode === 'awsvpc' && isFargateSize(size)
  if (input.requiresCompatibilities?.includes('FARGATE')) checkFargate(input, isFargate)
  const { taskRoleArn, executionRoleArn, requiresCompatibilities } = input
  const { runtimePlatform, ephemeralStorage } = input
  const optional = {
    ...{ taskRoleArn, executionRoleArn, networkMode, requiresCompatibilities },
    ...{ runtimePlatform, ephemeralStorage },
  }
  const given = Object.entries(optional).filter(([, value]) => value !== undefined && value !== '')
  return {
    ...(Object.fromEntries(given) as typeof optional),
    ...size,
    compatibilities: isFargate ? ['EC2', 'FARGATE'] : ['EC2'],
    containerDefinitions,
  }
}

function checkFargate(
  { networkMode, cpu, memory }: RegisterTaskDefinitionRequest,
  isFargate: boolean,
): void {
  if (networkMode !== 'awsvpc') {
    throw clientError('Fargate only supports network mode ‘awsvpc’.')
  }
  if (cpu === undefined || memory === undefined) {
    throw clientError("Fargate requires that 'cpu' and 'memory' be defined at the task level.")
  }
  if (isFargate) return
  throw clientError(
    `No Fargate configuration exists for given values: ${cpu} CPU, ${memory} memory.`,
  )
}
