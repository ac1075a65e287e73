import { describe, expect, test } from 'vitest'
import { until } from '../../trials/trial-region.ts'
import { refusal } from '../region-under-test.ts'
import { CLUSTER, ecsUnderTest } from './ecs-under-test.ts'

describe('UpdateService', () => {
  const world = ecsUnderTest()
  const make = async (name: string, more: object = {}) => {
    await world.define(name, {})
    await world.ecs().createService({
      ...{ cluster: CLUSTER, serviceName: name, taskDefinition: name, desiredCount: 2, ...more },
    })
    return await world.untilStable(name)
  }
  const update = async (service: string, more: object) =>
    await world.ecs().updateService({ cluster: CLUSTER, service, ...more })
  const arnsOf = async (name: string) =>
    (await world.tasksOf(name)).map(({ taskArn }) => taskArn!).sort()
  /** How many tasks of a service existed at a time, and how many of them ran, from looking all the time. */
  const watch = async (name: string, isOver: () => Promise<boolean>) => {
    const seen = { most: 0, least: Number.POSITIVE_INFINITY }
    await until(`${name} has been deployed`, 60_000, async () => {
      const { runningCount = 0 } = await world.describeService(name)
      // In this order, and none counted twice: a task may go from the one list to the other in between, and its successor begin.
      const running = await arnsOf(name)
      const stopped = await world.tasksOf(name, 'STOPPED')
      const ending = stopped.filter(({ lastStatus }) => lastStatus !== 'STOPPED')
      const existing = new Set([...running, ...ending.map(({ taskArn }) => taskArn!)])
      seen.most = Math.max(seen.most, existing.size)
      seen.least = Math.min(seen.least, runningCount)
      return await isOver()
    })
    return seen
  }

  test('scales to another count, within the same deployment', async () => {
    const [deployment] = (await make('scaled')).deployments!
    const before = await arnsOf('scaled')
    const { service } = await update('scaled', { desiredCount: 3 })
    expect(service?.desiredCount).toBe(3)
    expect((await world.untilStable('scaled')).deployments![0]!.id).toBe(deployment!.id)
    expect(await arnsOf('scaled')).toEqual(expect.arrayContaining(before))

    await update('scaled', { desiredCount: 0 })
    await world.untilStable('scaled')
    expect(await arnsOf('scaled')).toEqual([])
    const [stopped] = await world.tasksOf('scaled', 'STOPPED')
    expect(await world.untilTask(stopped!.taskArn!, 'STOPPED')).toMatchObject({
      stopCode: 'ServiceSchedulerInitiated',
      stoppedReason: `Scaling activity initiated by (deployment ${deployment!.id})`,
    })
  })

  test('begins a deployment for another revision, and keeps all desired tasks running meanwhile', async () => {
    const [old] = (await make('rolled')).deployments!
    const before = await arnsOf('rolled')
    await world.define('rolled', {})
    const { service } = await update('rolled', { taskDefinition: 'rolled' })
    expect(service?.taskDefinition).toMatch(/rolled:2$/)
    expect(service?.deployments).toMatchObject([
      { status: 'PRIMARY', taskDefinition: expect.stringMatching(/:2$/), desiredCount: 2 },
      { status: 'ACTIVE', id: old!.id, desiredCount: 0 },
    ])
    const seen = await watch('rolled', async () => {
      const { deployments = [] } = await world.describeService('rolled')
      return deployments.length === 1 && deployments[0]!.rolloutState === 'COMPLETED'
    })
    expect(seen.least).toBeGreaterThanOrEqual(2)
    expect(seen.most).toBeLessThanOrEqual(4)
    const after = await world.tasksOf('rolled')
    expect(after.every(({ taskDefinitionArn }) => taskDefinitionArn!.endsWith(':2'))).toBe(true)
    expect(after.map(({ taskArn }) => taskArn).some((arn) => before.includes(arn!))).toBe(false)
  })

  test('lets no two tasks of a singleton exist at once, with 0 and 100 percent', async () => {
    const deploymentConfiguration = { minimumHealthyPercent: 0, maximumPercent: 100 }
    await make('single', { desiredCount: 1, deploymentConfiguration })
    const [before] = await arnsOf('single')
    await update('single', { forceNewDeployment: true })
    const seen = await watch('single', async () => {
      const now = await arnsOf('single')
      return now.length === 1 && now[0] !== before
    })
    expect(seen.most).toBe(1)
    // Nor between two looks.
    const [after] = await world.tasksOf('single')
    const { stoppedAt } = await world.describeTask(before!)
    expect(after!.createdAt!.getTime()).toBeGreaterThanOrEqual(stoppedAt!.getTime())
  })

  test('replaces all tasks when a deployment is forced, and none when nothing is asked for', async () => {
    const [deployment] = (await make('forced')).deployments!
    const before = await arnsOf('forced')
    await update('forced', { taskDefinition: 'forced', desiredCount: 2 })
    expect((await world.untilStable('forced')).deployments![0]!.id).toBe(deployment!.id)
    expect(await arnsOf('forced')).toEqual(before)
    const { service } = await update('forced', { forceNewDeployment: true })
    expect(service?.deployments).toHaveLength(2)
    await world.untilStable('forced')
    expect((await arnsOf('forced')).some((arn) => before.includes(arn))).toBe(false)
  })

  test('fails a deployment whose tasks do not start, and rolls it back when it is told to', async () => {
    const circuitBreaker = (rollback: boolean) => ({
      deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback } },
    })
    await make('broken', circuitBreaker(true))
    const before = await arnsOf('broken')
    await world.define('broken', { image: 'absent:1' })
    const { service } = await update('broken', { taskDefinition: 'broken' })
    const { id } = service!.deployments![0]!
    const rolledBack = async () =>
      (await world.describeService('broken')).taskDefinition!.endsWith('broken:1')
    const seen = await watch('broken', async () => (await rolledBack()) && (await isDone('broken')))
    expect(seen.least).toBeGreaterThanOrEqual(2)
    const messages = (await world.describeService('broken')).events!.map(({ message }) => message)
    expect(messages).toContain(
      `(service broken) (deployment ${id}) deployment failed: tasks failed to start.`,
    )
    expect(messages.some((message) => message!.includes('rolling back to deployment'))).toBe(true)
    const stopped = await world.tasksOf('broken', 'STOPPED')
    // The breaker opens at the third failure; whether a fourth task was on its way by then is a matter of moments.
    const failed = stopped.filter(({ startedBy }) => startedBy === id).length
    expect(failed).toBeGreaterThanOrEqual(3)
    expect(failed).toBeLessThanOrEqual(4)

    await update('broken', circuitBreaker(false))
    await update('broken', { taskDefinition: 'broken:2' })
    await expect
      .poll(async () => (await world.describeService('broken')).deployments![0]!.rolloutState, {
        timeout: 60_000,
      })
      .toBe('FAILED')
    const after = await world.describeService('broken')
    expect(after).toMatchObject({
      runningCount: 2,
      deployments: [
        {
          status: 'PRIMARY',
          rolloutStateReason: 'ECS deployment circuit breaker: tasks failed to start.',
        },
        { status: 'ACTIVE', runningCount: 2 },
      ],
    })
    expect(before).toHaveLength(2)
  })
  const isDone = async (name: string) => {
    const { deployments = [], runningCount } = await world.describeService(name)
    return deployments.length === 1 && runningCount === 2
  }

  test.each([
    ['a service that there is not', { service: 'absent' }, 'ServiceNotFoundException'],
    ['a definition that there is not', { taskDefinition: 'absent' }, 'ClientException'],
    ['a count too large', { desiredCount: 5001 }, 'InvalidParameterException'],
    ['a load balancer', { loadBalancers: [{ containerPort: 80 }] }, 'UnsupportedOperation'],
  ])('refuses %s, and changes nothing', async (what, input, code) => {
    const name = what.replaceAll(' ', '-')
    await world.define(name, {})
    const at = { cluster: CLUSTER, serviceName: name, taskDefinition: name, desiredCount: 0 }
    await world.ecs().createService(at)
    const before = await world.untilStable(name)
    expect(await refusal(update(name, input))).toBe(code)
    expect(await world.describeService(name)).toMatchObject({
      ...{ desiredCount: 0, deployments: before.deployments!.map(({ id }) => ({ id })) },
    })
  })
})
