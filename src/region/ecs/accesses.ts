import { type AccessRequest, tagContext } from '../protocol/authorization.ts'
import type { TaskOverride } from '../protocol/models/ecs.ts'
import { EcsFault } from '../protocol/models/ecs.ts'
import { DEFAULT_CLUSTER } from './cluster.ts'
import type { Ecs } from './ecs.ts'
import { rolesOf } from './launch-options.ts'
import { findTagged } from './tagged-resource.ts'
import type { Tag } from './tags.ts'
import { TASKS_SERVICE } from './tasks/task-agent.ts'

/** What the inputs of ECS's actions name resources by. */
interface Named {
  readonly cluster?: string
  readonly clusterName?: string
  readonly clusters?: readonly string[]
  readonly service?: string
  readonly serviceName?: string
  readonly services?: readonly string[]
  readonly task?: string
  readonly tasks?: readonly string[]
  readonly taskDefinition?: string
  readonly family?: string
  readonly resourceArn?: string
  readonly taskRoleArn?: string
  readonly executionRoleArn?: string
  readonly overrides?: TaskOverride
  readonly tags?: readonly Partial<Tag>[]
  readonly tagKeys?: readonly string[]
}

/**
 * What an action of ECS is about, and the roles that it hands to ECS: who may register a task definition can run programs of
 * `images.json`, and who may pass a role can have them act as it.
 *
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Elastic Container Service".
 */
export function ecsAccesses(ecs: Ecs, operation: string, input: Named): AccessRequest[] {
  const action = `ecs:${operation === 'UpdateClusterSettings' ? 'UpdateClusterSettings' : operation}`
  const own = resourcesOf(ecs, operation, input).map((resource) => ({
    action,
    resource,
    context: { ...contextOf(ecs, operation, input), ...resourceTags(ecs, resource) },
  }))
  const context = { 'iam:PassedToService': TASKS_SERVICE }
  const passed = passedRoles(ecs, operation, input).map((resource) => ({
    ...{ action: 'iam:PassRole', resource, context },
  }))
  return [...own, ...taggingOf(ecs, operation, input), ...passed]
}

function resourcesOf(ecs: Ecs, operation: string, input: Named): string[] {
  const cluster = clusterName(ecs, input)
  const services = (names: readonly string[]) =>
    names.map((name) => (name.startsWith('arn:') ? name : ecs.arns.service(cluster, name)))
  const tasks = (names: readonly string[]) =>
    names.map((name) => (name.startsWith('arn:') ? name : ecs.arns.task(cluster, name)))
  switch (operation) {
    case 'UpdateCluster':
    case 'UpdateClusterSettings':
    case 'DeleteCluster':
      return [clusterArn(ecs, input.cluster)]
    case 'DescribeClusters':
      return (input.clusters?.length ? input.clusters : [undefined]).map((one) =>
        clusterArn(ecs, one),
      )
    case 'CreateService':
      return services([input.serviceName ?? ''])
    case 'UpdateService':
    case 'DeleteService':
      return services([input.service ?? ''])
    case 'DescribeServices':
      return services(input.services ?? [])
    case 'StopTask':
      return tasks([input.task ?? ''])
    case 'DescribeTasks':
      return tasks(input.tasks ?? [])
    case 'RunTask':
      return [definitionArn(ecs, input.taskDefinition)]
    case 'RegisterTaskDefinition':
      return [ecs.arns.taskDefinition(input.family ?? '', '*')]
    case 'TagResource':
    case 'UntagResource':
    case 'ListTagsForResource':
      return [input.resourceArn ?? '']
    default:
      return ['*']
  }
}

/** To give tags to what is made is a right of its own. */
function taggingOf(ecs: Ecs, operation: string, input: Named): AccessRequest[] {
  const isMaking = /^(Create|Register|Run)/.test(operation)
  if (!isMaking || !input.tags?.length) return []
  const made: Readonly<Record<string, string>> = {
    CreateCluster: ecs.arns.cluster(input.clusterName ?? DEFAULT_CLUSTER),
    RunTask: ecs.arns.task(clusterName(ecs, input), '*'),
  }
  const [resource = '*'] = made[operation] ? [made[operation]] : resourcesOf(ecs, operation, input)
  const context = { ...requestTags(input), 'ecs:CreateAction': operation }
  return [{ action: 'ecs:TagResource', resource, context }]
}

function passedRoles(ecs: Ecs, operation: string, input: Named): string[] {
  if (operation === 'RegisterTaskDefinition') {
    return [input.taskRoleArn, input.executionRoleArn].flatMap((role) => role || [])
  }
  if (!/^(CreateService|UpdateService|RunTask)$/.test(operation)) return []
  if (input.taskDefinition === undefined) return []
  const { taskRoleArn, executionRoleArn } = input.overrides ?? {}
  const overridden = [taskRoleArn, executionRoleArn].flatMap((role) => role || [])
  return [...rolesOf(ecs.findTaskDefinition(input.taskDefinition)), ...overridden]
}

function contextOf(
  ecs: Ecs,
  operation: string,
  input: Named,
): Record<string, string | readonly string[]> {
  const hasCluster = /Task$|Tasks$|Service$|Services$/.test(operation)
  const definition = input.taskDefinition
  return {
    ...(hasCluster ? { 'ecs:cluster': clusterArn(ecs, input.cluster) } : {}),
    ...(definition === undefined ? {} : { 'ecs:task-definition': definitionArn(ecs, definition) }),
    ...requestTags(input),
    ...(input.tagKeys ? { 'aws:TagKeys': input.tagKeys } : {}),
  }
}

function requestTags({ tags = [] }: Named) {
  return tagContext(
    'aws:RequestTag',
    tags.map(({ key, value }) => ({ Key: key, Value: value })),
  )
}

function resourceTags(ecs: Ecs, arn: string) {
  try {
    const { tags } = (arn.includes('*') ? undefined : findTagged(ecs, arn)) ?? { tags: [] }
    return {
      ...tagContext(
        'aws:ResourceTag',
        tags.map(({ key, value }) => ({ Key: key, Value: value })),
      ),
      ...Object.fromEntries(tags.map(({ key, value }) => [`ecs:ResourceTag/${key}`, value])),
    }
  } catch (error) {
    // What is no ARN has no tags; the action says so to those who may ask.
    if (error instanceof EcsFault) return {}
    throw error
  }
}

function clusterName(ecs: Ecs, { cluster }: Named): string {
  return ecs.arns.nameIn('cluster', cluster ?? DEFAULT_CLUSTER)
}

function clusterArn(ecs: Ecs, nameOrArn: string | undefined): string {
  const name = nameOrArn ?? DEFAULT_CLUSTER
  return name.startsWith('arn:') ? name : ecs.arns.cluster(name)
}

/** Of the revision that is meant, as it is decided before the caller's rights are. */
function definitionArn(ecs: Ecs, name = ''): string {
  const found = ecs.findTaskDefinition(name)
  if (found) return found.arn
  return name.startsWith('arn:')
    ? name
    : ecs.arns.taskDefinition(name.split(':')[0] ?? '', name.split(':')[1] ?? '*')
}
