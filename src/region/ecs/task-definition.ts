import type { TaskDefinition } from '../protocol/models/ecs.ts'
import type { Tag } from './tags.ts'

/** A revision of a task definition as it is stored. It never changes but in its status and tags. */
export interface TaskDefinitionRecord {
  readonly family: string
  readonly revision: number
  readonly arn: string
  readonly status: 'ACTIVE' | 'INACTIVE'
  /** ISO 8601, both. */
  readonly registeredAt: string
  readonly deregisteredAt?: string
  readonly registeredBy: string
  /** As it was registered, with the defaults filled in, and without the members above. */
  readonly content: TaskDefinitionContent
  readonly tags: readonly Tag[]
}

export type TaskDefinitionContent = Pick<
  TaskDefinition,
  | 'taskRoleArn'
  | 'executionRoleArn'
  | 'networkMode'
  | 'requiresCompatibilities'
  | 'compatibilities'
  | 'cpu'
  | 'memory'
  | 'runtimePlatform'
  | 'ephemeralStorage'
> & { readonly containerDefinitions: readonly Container[] }

/** A container definition that was checked: it has a name and an image. */
export type Container = NonNullable<TaskDefinition['containerDefinitions']>[number] & {
  readonly name: string
  readonly image: string
  readonly essential: boolean
}

export function taskDefinitionShape(definition: TaskDefinitionRecord): TaskDefinition {
  const { family, revision, arn, status, registeredAt, deregisteredAt, registeredBy } = definition
  const { containerDefinitions, ...content } = definition.content
  return {
    ...content,
    containerDefinitions: [...containerDefinitions],
    taskDefinitionArn: arn,
    family,
    revision,
    status,
    volumes: [],
    placementConstraints: [],
    registeredAt: new Date(registeredAt),
    ...(deregisteredAt === undefined ? {} : { deregisteredAt: new Date(deregisteredAt) }),
    registeredBy,
  }
}
