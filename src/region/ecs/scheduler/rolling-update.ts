/** A task of a service, as far as the scheduler decides by it. */
export interface Placed {
  readonly id: string
  readonly state: 'pending' | 'healthy' | 'unhealthy' | 'stopping'
}

export interface RolloutState {
  readonly desiredCount: number
  readonly minimumHealthyPercent: number
  readonly maximumPercent: number
  /** Tasks of the primary deployment, and of those that it replaces; each oldest first. */
  readonly primary: readonly Placed[]
  readonly replaced: readonly Placed[]
  /** Whether the primary deployment may start tasks: one that has failed may not. */
  readonly mayStart: boolean
}

/**
 * What to do next so that a service comes nearer to its desired count by tasks of its primary deployment alone.
 *
 * At no time more tasks than `maximumPercent` of the desired count exist (rounded down; one that is being stopped counts until
 * it has), and no step stops a healthy task when fewer than `minimumHealthyPercent` (rounded up) would be left.
 * Unlike AWS: a task without a health check is healthy as soon as it runs, and not 40 seconds later.
 *
 * Source: ECS API Reference, DeploymentConfiguration.
 */
export function nextSteps(o: RolloutState): NextSteps {
  const { primary, replaced, desiredCount } = o
  const minHealthy = Math.ceil((desiredCount * o.minimumHealthyPercent) / 100)
  const most = Math.floor((desiredCount * o.maximumPercent) / 100)
  const good = primary.filter(({ state }) => state === 'pending' || state === 'healthy')
  const missing = Math.max(0, desiredCount - good.length)
  const room = Math.max(0, most - primary.length - replaced.length)
  const start = o.mayStart ? Math.min(missing, room) : 0

  // Healthy tasks that may go, as there are enough others.
  let spare = countHealthy([...primary, ...replaced]) - minHealthy
  const stop: string[] = []
  const stopAll = (tasks: readonly Placed[], most: number) => {
    let left = most
    for (const { id, state } of tasks) {
      if (left === 0) break
      if (state === 'stopping' || (state === 'healthy' && spare <= 0)) continue
      if (state === 'healthy') spare -= 1
      stop.push(id)
      left -= 1
    }
  }
  const byWorth = (tasks: readonly Placed[]) =>
    [...tasks].sort((a, b) => WORTH[a.state] - WORTH[b.state])

  // An unhealthy task is replaced before it is stopped, where there is room for both.
  const isReplaced = countHealthy(primary) >= desiredCount
  const unhealthy = primary.filter(({ state }) => state === 'unhealthy')
  if (isReplaced || (missing > 0 && room === 0)) stopAll(unhealthy, unhealthy.length)
  // The newest go first when there are too many.
  stopAll(byWorth([...good].reverse()), Math.max(0, good.length - desiredCount))
  stopAll(byWorth(replaced), replaced.length)
  const isSettled = [...primary, ...replaced].every(({ state }) => state === 'healthy')
  const isStuck = missing > 0 && o.mayStart && start === 0 && stop.length === 0
  return { start, stop, isBlocked: isStuck && isSettled }
}

export interface NextSteps {
  readonly start: number
  readonly stop: readonly string[]
  /** Whether the percents, rounded, let neither a task be stopped nor one be started, for ever. */
  readonly isBlocked: boolean
}

const WORTH = { stopping: 0, unhealthy: 1, pending: 2, healthy: 3 }

function countHealthy(tasks: readonly Placed[]): number {
  return tasks.filter(({ state }) => state === 'healthy').length
}
