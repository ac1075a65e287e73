import { EcsFault } from '../protocol/models/ecs.ts'
import { invalidParameter } from './checks.ts'
import type { Ecs } from './ecs.ts'
import type { Tag } from './tags.ts'

/** Something with tags, by its ARN. */
export interface TaggedResource {
  readonly tags: readonly Tag[]
  /** Replaces the tags, durably, by what `next` makes of them as they are by then. */
  change(next: (tags: readonly Tag[]) => readonly Tag[]): Promise<void>
}

/** @throws EcsFault `InvalidParameterException`, `ResourceNotFoundException`, `ClusterNotFoundException` */
export function getTagged(ecs: Ecs, arn: string | undefined): TaggedResource {
  const found = findTagged(ecs, arn ?? '')
  if (found) return found
  throw new EcsFault(
    'ResourceNotFoundException',
    'The specified resource could not be found. Specify a valid resource ARN.',
  )
}

/** @throws EcsFault `InvalidParameterException` for what is no ARN of ECS */
export function findTagged(ecs: Ecs, arn: string): TaggedResource | undefined {
  const [, kind, path = ''] = /^arn:aws:ecs:[^:]*:[^:]*:([a-z-]+)\/(.+)$/.exec(arn) ?? []
  switch (kind) {
    case 'cluster':
      return ofCluster(ecs, arn)
    case 'service':
      return ofService(ecs, arn, path.split('/')[0] ?? '')
    case 'task':
      return ofTask(ecs, arn)
    case 'task-definition':
      return ofTaskDefinition(ecs, arn)
    default:
      throw invalidParameter('Invalid resource ARN.')
  }
}

function ofCluster(ecs: Ecs, arn: string): TaggedResource | undefined {
  const cluster = ecs.findCluster(arn)
  if (cluster?.status !== 'ACTIVE') return undefined
  return {
    tags: cluster.tags,
    change: (next) =>
      ecs.inTurn(`cluster ${cluster.name}`, async () => {
        const before = ecs.getCluster(arn)
        await ecs.putCluster({ ...before, tags: next(before.tags) })
      }),
  }
}

function ofService(ecs: Ecs, arn: string, cluster: string): TaggedResource | undefined {
  const service = ecs.findService(cluster, arn)
  if (!service || service.status === 'INACTIVE') return undefined
  return {
    tags: service.tags,
    change: async (next) => {
      await ecs.changeService(service, (before) => ({ ...before, tags: next(before.tags) }))
    },
  }
}

function ofTask(ecs: Ecs, arn: string): TaggedResource | undefined {
  const task = ecs.tasks.find(ecs.arns.nameIn('task', arn))
  if (task?.arn !== arn) return undefined
  return {
    tags: task.tags,
    change: async (next) => {
      await ecs.tasks.change(task.id, (before) => ({ ...before, tags: next(before.tags) }))
    },
  }
}

function ofTaskDefinition(ecs: Ecs, arn: string): TaggedResource | undefined {
  const definition = ecs.findTaskDefinition(arn)
  if (definition?.arn !== arn) return undefined
  return {
    tags: definition.tags,
    change: (next) =>
      ecs.inTurn(`family ${definition.family}`, async () => {
        const before = ecs.findTaskDefinition(arn)!
        await ecs.putTaskDefinition({ ...before, tags: next(before.tags) })
      }),
  }
}
