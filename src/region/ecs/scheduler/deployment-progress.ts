import type { Ecs } from '../ecs.ts'
import {
  type DeploymentRecord,
  newDeployment,
  type ServiceRecord,
  withEvents,
} from '../service-record.ts'
import { healthOf, type TaskRecord } from '../tasks/task.ts'
import { failureThreshold } from './restart-delay.ts'

/**
 * What a service's tasks have made of its deployments: the same record when nothing has changed.
 *
 * @param o.tasks     the service's tasks that have not stopped
 * @param o.failures  how many tasks of the primary deployment have failed to start, or were stopped for their health, since
 *   this was asked last
 */
export function progressed(
  ecs: Ecs,
  service: ServiceRecord,
  o: { tasks: readonly TaskRecord[]; failures: number },
): ServiceRecord {
  const { tasks } = o
  const [primary, ...replaced] = service.deployments
  if (!primary) return service
  const own = tasks.filter(({ startedBy }) => startedBy === primary.id)
  const left = replaced.filter(({ id }) => tasks.some(({ startedBy }) => startedBy === id))
  const counted = withFailures(primary, { ...o, hasRun: own.some(isSuccess) })
  const isSame = counted === primary && left.length === replaced.length
  const current = isSame ? service : { ...service, deployments: [counted, ...left] }
  if (counted.rolloutState !== 'IN_PROGRESS' || service.status !== 'ACTIVE') return current

  const isComplete =
    left.length === 0 && own.length === service.desiredCount && own.every(isSuccess)
  if (isComplete) return completed(ecs, current, counted)
  const { enable } = service.configuration.circuitBreaker
  const isBroken = enable && counted.failedTasks >= failureThreshold(service.desiredCount)
  return isBroken ? failed(ecs, current, counted) : current
}

/** A task that runs, and whose health, where it is checked, is good. */
export function isSuccess(task: TaskRecord): boolean {
  const isChecked = task.containers.some(
    ({ isEssential, healthStatus }) => isEssential && healthStatus !== undefined,
  )
  const isRunning = task.lastStatus === 'RUNNING' && task.desiredStatus === 'RUNNING'
  return isRunning && (!isChecked || healthOf(task) === 'HEALTHY')
}

/** Source: ECS API Reference, Deployment, failedTasks: counted until one runs, and no more from then on. */
function withFailures(
  deployment: DeploymentRecord,
  { failures, hasRun }: { failures: number; hasRun: boolean },
): DeploymentRecord {
  if (deployment.hasRun) return deployment
  if (hasRun) return { ...deployment, hasRun, failedTasks: 0 }
  if (failures === 0) return deployment
  return { ...deployment, failedTasks: deployment.failedTasks + failures }
}

function completed(ecs: Ecs, service: ServiceRecord, primary: DeploymentRecord): ServiceRecord {
  const { id, taskDefinitionArn } = primary
  const done = ended(ecs, primary, 'COMPLETED', `ECS deployment ${id} completed.`)
  const after = { ...service, deployments: [done], lastCompleted: { id, taskDefinitionArn } }
  return withEvents(ecs, after, [`(deployment ${id}) deployment completed.`])
}

/** Rolls back once: to what was completed last, and never from a deployment that is such a step itself. */
function failed(ecs: Ecs, service: ServiceRecord, primary: DeploymentRecord): ServiceRecord {
  const reason = 'tasks failed to start.'
  const lost = ended(ecs, primary, 'FAILED', `ECS deployment circuit breaker: ${reason}`)
  const [, ...replaced] = service.deployments
  const messages = [`(deployment ${primary.id}) deployment failed: ${reason}`]
  const { lastCompleted: back } = service
  if (!service.configuration.circuitBreaker.rollback || !back || primary.isRollback) {
    return withEvents(ecs, { ...service, deployments: [lost, ...replaced] }, messages)
  }
  const step = newDeployment(
    ecs,
    back.taskDefinitionArn,
    `ECS deployment circuit breaker: rolling back to deploymentId ${back.id}.`,
  )
  const deployments = [{ ...step, isRollback: true }, lost, ...replaced]
  return withEvents(ecs, { ...service, deployments }, [
    ...messages,
    `rolling back to deployment ${back.id}.`,
  ])
}

function ended(
  ecs: Ecs,
  deployment: DeploymentRecord,
  rolloutState: 'COMPLETED' | 'FAILED',
  rolloutStateReason: string,
): DeploymentRecord {
  return { ...deployment, rolloutState, rolloutStateReason, updatedAt: ecs.timestamp() }
}

/** Whether a task ends in a way that counts against its deployment. */
export function isFailure({ stopCode, stoppedReason }: TaskRecord): boolean {
  if (stopCode === 'TaskFailedToStart') return true
  return stopCode === 'ServiceSchedulerInitiated' && stoppedReason === UNHEALTHY
}

/** Why the scheduler stops a task whose health check fails. Source: ECS Developer Guide, "Stopped tasks error messages". */
export const UNHEALTHY = 'Task failed container health checks'
