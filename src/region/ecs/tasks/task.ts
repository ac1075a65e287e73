import type {
  Container as ContainerShape,
  LaunchType,
  NetworkBinding,
  Task,
  TaskOverride,
  TaskStopCode,
} from '../../protocol/models/ecs.ts'
import type { Tag } from '../tags.ts'

/** Source: ECS Developer Guide, "Task lifecycle states". Unlike AWS: ACTIVATING and DEACTIVATING, which are about load balancers, do not occur. */
export type TaskStatus =
  | 'PROVISIONING'
  | 'PENDING'
  | 'RUNNING'
  | 'STOPPING'
  | 'DEPROVISIONING'
  | 'STOPPED'

/** A task as it is stored. Times are ISO 8601. */
export interface TaskRecord {
  readonly id: string
  readonly arn: string
  /** The cluster's name. */
  readonly cluster: string
  readonly family: string
  readonly taskDefinitionArn: string
  /** The name of the service that it belongs to. */
  readonly service?: string
  readonly group: string
  /** Of a service's task the id of its deployment. */
  readonly startedBy?: string
  readonly launchType: LaunchType
  readonly platformVersion?: string
  readonly desiredStatus: 'RUNNING' | 'STOPPED'
  readonly lastStatus: TaskStatus
  readonly containers: readonly ContainerRecord[]
  readonly cpu?: string
  readonly memory?: string
  readonly overrides: TaskOverride
  readonly enableExecuteCommand: boolean
  readonly tags: readonly Tag[]
  /** Of RunTask, so that a repeated call starts nothing. */
  readonly client?: { readonly token: string; readonly request: string }
  /** Counts the changes. */
  readonly version: number
  readonly createdAt: string
  readonly pullStartedAt?: string
  readonly pullStoppedAt?: string
  readonly startedAt?: string
  readonly stoppingAt?: string
  readonly executionStoppedAt?: string
  readonly stoppedAt?: string
  readonly stopCode?: TaskStopCode
  readonly stoppedReason?: string
}

export interface ContainerRecord {
  readonly name: string
  readonly arn: string
  readonly image: string
  readonly isEssential: boolean
  /** Stands in the environment of its processes, by which they can be told. */
  readonly runtimeId: string
  readonly lastStatus: 'PENDING' | 'RUNNING' | 'STOPPED'
  readonly exitCode?: number
  readonly reason?: string
  readonly networkBindings: readonly NetworkBinding[]
  /** Of its health check; undefined without one. */
  readonly healthStatus?: HealthStatus
  readonly cpu: string
  readonly memory?: string
  readonly memoryReservation?: string
}

export type HealthStatus = 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN'

export function isStopped({ lastStatus }: TaskRecord): boolean {
  return lastStatus === 'STOPPED'
}

/**
 * A task's health, from that of its essential containers.
 *
 * Source: ECS Developer Guide, "Determine Amazon ECS task health using container health checks".
 */
export function healthOf({ containers }: TaskRecord): HealthStatus {
  const checked = containers.flatMap(({ isEssential, healthStatus }) =>
    isEssential && healthStatus ? [healthStatus] : [],
  )
  if (checked.includes('UNHEALTHY')) return 'UNHEALTHY'
  if (checked.length === 0 || checked.includes('UNKNOWN')) return 'UNKNOWN'
  return 'HEALTHY'
}

export function taskShape(
  task: TaskRecord,
  { clusterArn, include = [] }: { clusterArn: string; include?: readonly string[] },
): Task {
  const { startedBy, platformVersion, cpu, memory, stopCode, stoppedReason } = task
  return {
    taskArn: task.arn,
    clusterArn,
    taskDefinitionArn: task.taskDefinitionArn,
    group: task.group,
    launchType: task.launchType,
    desiredStatus: task.desiredStatus,
    lastStatus: task.lastStatus,
    healthStatus: healthOf(task),
    connectivity: 'CONNECTED',
    attachments: [],
    attributes: [],
    inferenceAccelerators: [],
    enableExecuteCommand: task.enableExecuteCommand,
    version: task.version,
    overrides: task.overrides,
    containers: task.containers.map((container) => containerShape(task, container)),
    tags: include.includes('TAGS') ? [...task.tags] : [],
    ...(startedBy === undefined ? {} : { startedBy }),
    ...(platformVersion === undefined ? {} : { platformVersion, platformFamily: 'Linux' }),
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(stopCode === undefined ? {} : { stopCode }),
    ...(stoppedReason === undefined ? {} : { stoppedReason }),
    ...timesOf(task),
  }
}

const TIMES = [
  'createdAt',
  'pullStartedAt',
  'pullStoppedAt',
  'startedAt',
  'stoppingAt',
  'executionStoppedAt',
  'stoppedAt',
] as const

function timesOf(task: TaskRecord): { [Name in (typeof TIMES)[number]]?: Date } {
  const known = TIMES.flatMap((name) => {
    const time = task[name]
    return time === undefined ? [] : [[name, new Date(time)] as const]
  })
  return Object.fromEntries(known)
}

function containerShape(task: TaskRecord, container: ContainerRecord): ContainerShape {
  const { exitCode, reason, memory, memoryReservation } = container
  const hasStarted = container.lastStatus !== 'PENDING'
  return {
    containerArn: container.arn,
    taskArn: task.arn,
    name: container.name,
    image: container.image,
    lastStatus: container.lastStatus,
    healthStatus: container.healthStatus ?? 'UNKNOWN',
    // Unlike AWS: ports are told in every network mode, as a task has no network interface of its own.
    networkBindings: [...container.networkBindings],
    networkInterfaces: [],
    cpu: container.cpu,
    ...(hasStarted ? { runtimeId: container.runtimeId } : {}),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(reason === undefined ? {} : { reason }),
    ...(memory === undefined ? {} : { memory }),
    ...(memoryReservation === undefined ? {} : { memoryReservation }),
  }
}
