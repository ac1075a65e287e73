import type {
  Deployment,
  DeploymentConfiguration,
  LaunchType,
  NetworkConfiguration,
  PropagateTags,
  Service,
} from '../protocol/models/ecs.ts'
import { isPending } from './cluster.ts'
import type { Ecs } from './ecs.ts'
import type { Tag } from './tags.ts'
import type { TaskRecord } from './tasks/task.ts'

/** A service as it is stored. Times are ISO 8601. */
export interface ServiceRecord {
  readonly cluster: string
  readonly name: string
  readonly arn: string
  readonly status: 'ACTIVE' | 'DRAINING' | 'INACTIVE'
  readonly desiredCount: number
  readonly launchType: LaunchType
  readonly platformVersion?: string
  readonly networkConfiguration?: NetworkConfiguration
  readonly configuration: RolloutConfiguration
  /** The first one is the one that is being deployed, or was last. Others still have tasks. */
  readonly deployments: readonly DeploymentRecord[]
  /** What was deployed with success last: to it a failed deployment is rolled back. */
  readonly lastCompleted?: { readonly id: string; readonly taskDefinitionArn: string }
  /** Newest first. */
  readonly events: readonly ServiceEventRecord[]
  readonly propagateTags: PropagateTags
  readonly enableECSManagedTags: boolean
  readonly enableExecuteCommand: boolean
  readonly availabilityZoneRebalancing: 'ENABLED' | 'DISABLED'
  readonly healthCheckGracePeriodSeconds?: number
  readonly tags: readonly Tag[]
  readonly createdAt: string
  readonly createdBy: string
  /** What CreateService was asked for, so that a repeated call is told from another one. */
  readonly request: string
}

export interface RolloutConfiguration {
  readonly minimumHealthyPercent: number
  readonly maximumPercent: number
  readonly circuitBreaker: { readonly enable: boolean; readonly rollback: boolean }
}

export interface DeploymentRecord {
  /** As `ecs-svc/1234567890123456789`. */
  readonly id: string
  readonly taskDefinitionArn: string
  readonly createdAt: string
  readonly updatedAt: string
  readonly rolloutState: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED'
  readonly rolloutStateReason: string
  /** Tasks that failed to start, in a row; counted until one runs. */
  readonly failedTasks: number
  readonly hasRun: boolean
  /** Whether the circuit breaker began it. */
  readonly isRollback?: boolean
}

export interface ServiceEventRecord {
  readonly id: string
  readonly at: string
  readonly message: string
}

/** Source: ECS API Reference, Service: at most the newest 100 events. */
const MOST_EVENTS = 100

export function withEvents(ecs: Ecs, service: ServiceRecord, messages: readonly string[]) {
  if (messages.length === 0) return service
  const added = messages.map((message) => ({
    id: ecs.newId().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    at: ecs.timestamp(),
    message: `(service ${service.name}) ${message}`,
  }))
  const events = [...added.reverse(), ...service.events].slice(0, MOST_EVENTS)
  return { ...service, events }
}

export function newDeployment(ecs: Ecs, taskDefinitionArn: string, reason?: string) {
  const now = ecs.timestamp()
  const digits = BigInt(`0x${ecs.newId()}`).toString().padStart(19, '0').slice(-19)
  const id = `ecs-svc/${digits}`
  const deployment: DeploymentRecord = {
    id,
    taskDefinitionArn,
    createdAt: now,
    updatedAt: now,
    rolloutState: 'IN_PROGRESS',
    rolloutStateReason: reason ?? `ECS deployment ${id} in progress.`,
    failedTasks: 0,
    hasRun: false,
  }
  return deployment
}

export function serviceShape(
  ecs: Ecs,
  service: ServiceRecord,
  include: readonly string[] = [],
): Service {
  const tasks = ecs.tasks.ofService(service)
  const { configuration, healthCheckGracePeriodSeconds, networkConfiguration } = service
  const isActive = service.status === 'ACTIVE'
  return {
    serviceArn: service.arn,
    serviceName: service.name,
    clusterArn: ecs.arns.cluster(service.cluster),
    status: service.status,
    desiredCount: service.desiredCount,
    runningCount: countRunning(tasks),
    pendingCount: countPending(tasks),
    taskDefinition: service.deployments[0]!.taskDefinitionArn,
    deploymentConfiguration: deploymentConfigurationShape(configuration),
    deployments: service.deployments
      .filter((_, index) => isActive || index > 0 || tasks.some(isAlive))
      .map((deployment, index) => deploymentShape(service, deployment, { index, tasks })),
    deploymentController: { type: 'ECS' },
    schedulingStrategy: 'REPLICA',
    loadBalancers: [],
    serviceRegistries: [],
    placementConstraints: [],
    placementStrategy: [],
    events: service.events.map(({ id, at, message }) => ({ id, createdAt: new Date(at), message })),
    createdAt: new Date(service.createdAt),
    createdBy: service.createdBy,
    enableECSManagedTags: service.enableECSManagedTags,
    enableExecuteCommand: service.enableExecuteCommand,
    propagateTags: service.propagateTags,
    availabilityZoneRebalancing: service.availabilityZoneRebalancing,
    ...platformOf(service),
    ...(networkConfiguration === undefined ? {} : { networkConfiguration }),
    ...(healthCheckGracePeriodSeconds === undefined ? {} : { healthCheckGracePeriodSeconds }),
    ...(include.includes('TAGS') ? { tags: [...service.tags] } : {}),
  }
}

export function isAlive({ lastStatus }: TaskRecord): boolean {
  return lastStatus !== 'STOPPED'
}

function deploymentShape(
  service: ServiceRecord,
  deployment: DeploymentRecord,
  { index, tasks }: { index: number; tasks: readonly TaskRecord[] },
): Deployment {
  const own = tasks.filter(({ startedBy }) => startedBy === deployment.id)
  const { networkConfiguration } = service
  return {
    id: deployment.id,
    status: index === 0 ? 'PRIMARY' : 'ACTIVE',
    taskDefinition: deployment.taskDefinitionArn,
    desiredCount: index === 0 ? service.desiredCount : 0,
    pendingCount: countPending(own),
    runningCount: countRunning(own),
    failedTasks: deployment.failedTasks,
    createdAt: new Date(deployment.createdAt),
    updatedAt: new Date(deployment.updatedAt),
    rolloutState: deployment.rolloutState,
    rolloutStateReason: deployment.rolloutStateReason,
    ...platformOf(service),
    ...(networkConfiguration === undefined ? {} : { networkConfiguration }),
  }
}

function platformOf({ launchType, platformVersion }: ServiceRecord) {
  return {
    launchType,
    ...(platformVersion === undefined ? {} : { platformVersion, platformFamily: 'Linux' }),
  }
}

function deploymentConfigurationShape(o: RolloutConfiguration): DeploymentConfiguration {
  return {
    deploymentCircuitBreaker: { ...o.circuitBreaker },
    maximumPercent: o.maximumPercent,
    minimumHealthyPercent: o.minimumHealthyPercent,
    strategy: 'ROLLING',
  }
}

function countRunning(tasks: readonly TaskRecord[]): number {
  return tasks.filter(({ lastStatus }) => lastStatus === 'RUNNING').length
}

function countPending(tasks: readonly TaskRecord[]): number {
  return tasks.filter(({ lastStatus }) => isPending(lastStatus)).length
}
