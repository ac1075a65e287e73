import type { LaunchType, TaskOverride } from '../protocol/models/ecs.ts'
import type { Ecs } from './ecs.ts'
import type { Tag } from './tags.ts'
import type { TaskDefinitionRecord } from './task-definition.ts'
import type { TaskRecord } from './tasks/task.ts'

/** A task of a definition that has not begun yet. */
export function newTask(
  ecs: Ecs,
  definition: TaskDefinitionRecord,
  o: Pick<TaskRecord, 'cluster' | 'service' | 'startedBy' | 'client' | 'platformVersion'> & {
    readonly group?: string | undefined
    readonly launchType: LaunchType
    readonly overrides?: TaskOverride | undefined
    readonly enableExecuteCommand: boolean
    readonly tags: readonly Tag[]
  },
): TaskRecord {
  const id = ecs.newId()
  const { family, content } = definition
  const overrides = o.overrides ?? {}
  const cpu = overrides.cpu ?? content.cpu
  const memory = overrides.memory ?? content.memory
  const optional = { ...o, cpu, memory }
  const given = Object.entries(optional).filter(([, value]) => value !== undefined)
  return {
    ...(Object.fromEntries(given) as typeof o),
    id,
    arn: ecs.arns.task(o.cluster, id),
    family,
    taskDefinitionArn: definition.arn,
    group: o.group ?? (o.service === undefined ? `family:${family}` : `service:${o.service}`),
    desiredStatus: 'RUNNING',
    lastStatus: 'PROVISIONING',
    overrides: {
      ...overrides,
      containerOverrides: content.containerDefinitions.map(
        ({ name }) =>
          overrides.containerOverrides?.find((override) => override.name === name) ?? { name },
      ),
      inferenceAcceleratorOverrides: [],
    },
    containers: content.containerDefinitions.map((container, index) => ({
      name: container.name,
      arn: ecs.arns.container(o.cluster, id, ecs.newId()),
      image: container.image,
      isEssential: container.essential,
      runtimeId: `${id}-${index}`,
      lastStatus: 'PENDING',
      networkBindings: [],
      ...(container.healthCheck ? { healthStatus: 'UNKNOWN' as const } : {}),
      cpu: `${container.cpu ?? 0}`,
      ...(container.memory === undefined ? {} : { memory: `${container.memory}` }),
      ...(container.memoryReservation === undefined
        ? {}
        : { memoryReservation: `${container.memoryReservation}` }),
    })),
    version: 1,
    createdAt: ecs.timestamp(),
  }
}
