import { describe, expect, test } from 'vitest'
import { freePort } from '../../../src/postgres/free-port.ts'
import { refusal } from '../region-under-test.ts'
import { ARN, CLUSTER, ecsUnderTest } from './ecs-under-test.ts'

const network = { awsvpcConfiguration: { subnets: ['subnet-1'] } }

describe('CreateService', () => {
  const world = ecsUnderTest()
  const create = async (serviceName: string, more: object = {}) =>
    await world.ecs().createService({
      ...{ cluster: CLUSTER, serviceName, taskDefinition: 'web', desiredCount: 2, ...more },
    })

  test('starts its tasks and keeps them at their count', async () => {
    await world.define('web', {})
    const { service } = await create('web', { tags: [{ key: 'a', value: '1' }] })
    expect(service).toMatchObject({
      serviceArn: `${ARN}:service/shop/web`,
      clusterArn: `${ARN}:cluster/shop`,
      ...{ status: 'ACTIVE', desiredCount: 2, runningCount: 0, launchType: 'EC2' },
      ...{ schedulingStrategy: 'REPLICA', deploymentController: { type: 'ECS' } },
      deploymentConfiguration: { maximumPercent: 200, minimumHealthyPercent: 100 },
      taskDefinition: `${ARN}:task-definition/web:1`,
      deployments: [
        { id: expect.stringMatching(/^ecs-svc\/\d{19}$/), status: 'PRIMARY', desiredCount: 2 },
      ],
      tags: [{ key: 'a', value: '1' }],
    })
    const stable = await world.untilStable('web')
    expect(stable).toMatchObject({ pendingCount: 0, deployments: [{ failedTasks: 0 }] })
    const tasks = await world.tasksOf('web')
    expect(tasks).toHaveLength(2)
    const deployment = stable.deployments![0]!.id
    for (const task of tasks) {
      expect(task).toMatchObject({ group: 'service:web', startedBy: deployment })
    }
    await expect
      .poll(async () => (await world.describeService('web')).events!.map(({ message }) => message))
      .toEqual([
        '(service web) has reached a steady state.',
        `(service web) (deployment ${deployment}) deployment completed.`,
        expect.stringMatching(/^\(service web\) has started 2 tasks: \(task \w+\) \(task \w+\)\.$/),
      ])
    expect((await world.describeService('web')).deployments).toMatchObject([
      { rolloutState: 'COMPLETED' },
    ])

    // One that ends by itself and one that somebody stops are replaced.
    const [one, other] = tasks.map(({ taskArn }) => taskArn!) as [string, string]
    for (const pid of world.processes(one)) process.kill(pid, 'SIGKILL')
    await world.ecs().stopTask({ cluster: CLUSTER, task: other })
    await world.untilTask(one, 'STOPPED')
    await world.untilTask(other, 'STOPPED')
    await expect
      .poll(async () => (await world.tasksOf('web')).map(({ lastStatus }) => lastStatus), {
        timeout: 60_000,
      })
      .toEqual(['RUNNING', 'RUNNING'])
    expect((await world.tasksOf('web')).map(({ taskArn }) => taskArn)).not.toContain(one)
  })

  test('asked again for the same answers what is there, and refuses another of the name', async () => {
    await world.define('web', {})
    const first = await create('twice', { desiredCount: 0 })
    const again = await create('twice', { desiredCount: 0, clientToken: 'x' })
    expect(again.service?.createdAt).toEqual(first.service?.createdAt)
    const other = create('twice', { desiredCount: 1 })
    expect(await refusal(other)).toBe('InvalidParameterException')
    expect((await world.describeService('twice')).desiredCount).toBe(0)
  })

  test('takes what belongs to Fargate as it is', async () => {
    await world.define('fargate', {}, { networkMode: 'awsvpc', cpu: '256', memory: '512' })
    const { service } = await create('fargate', {
      ...{ taskDefinition: 'fargate', launchType: 'FARGATE', networkConfiguration: network },
    })
    const kept = { awsvpcConfiguration: { subnets: ['subnet-1'], assignPublicIp: 'DISABLED' } }
    expect(service).toMatchObject({
      ...{ launchType: 'FARGATE', platformVersion: 'LATEST', networkConfiguration: kept },
      ...{ platformFamily: 'Linux', propagateTags: 'NONE' },
    })
    await world.untilStable('fargate')
  })

  test('gives its tags to its tasks when it is told to', async () => {
    const tags = [{ key: 'of', value: 'service' }]
    await world.define('tagged', {}, { tags: [{ key: 'of', value: 'definition' }] })
    const at = { taskDefinition: 'tagged', desiredCount: 1, tags }
    for (const propagateTags of ['SERVICE', 'TASK_DEFINITION'] as const) {
      await create(propagateTags, { ...at, propagateTags })
      await world.untilStable(propagateTags)
      const [task] = await world.tasksOf(propagateTags)
      const value = propagateTags === 'SERVICE' ? 'service' : 'definition'
      expect((await world.describeTask(task!.taskArn!)).tags).toEqual([{ key: 'of', value }])
    }
  })

  test('waits longer and longer to start what does not start, and goes on when it can', async () => {
    await world.define('late', { image: 'late:1' })
    await create('late', { taskDefinition: 'late', desiredCount: 1 })
    await expect
      .poll(
        async () => (await world.describeService('late')).events!.map(({ message }) => message),
        {
          timeout: 60_000,
        },
      )
      .toContain('(service late) is unable to consistently start tasks successfully.')
    const failed = (await world.tasksOf('late', 'STOPPED')).length
    expect(failed).toBeGreaterThanOrEqual(3)
    expect(failed).toBeLessThan(6)
    expect(await world.describeService('late')).toMatchObject({
      ...{ runningCount: 0, deployments: [{ rolloutState: 'IN_PROGRESS' }] },
    })
    await world.images({ 'late:1': { entryPoint: ['/bin/sleep', '1000'] } })
    // A change of the service forgets its failures.
    await world.ecs().updateService({ cluster: CLUSTER, service: 'late', desiredCount: 1 })
    await world.untilStable('late')
    await expect
      .poll(async () => (await world.describeService('late')).deployments)
      .toMatchObject([{ failedTasks: 0, rolloutState: 'COMPLETED' }])
  })

  test('starts a program that ends at once again, and not hundreds of times a second', async () => {
    await world.define('flaky', { image: 'echo' })
    await create('flaky', { taskDefinition: 'flaky', desiredCount: 1 })
    await expect
      .poll(async () => (await world.tasksOf('flaky', 'STOPPED')).length)
      .toBeGreaterThanOrEqual(3)
    const stopped = await world.tasksOf('flaky', 'STOPPED')
    const startedAt = stopped.map((task) => task.startedAt!.getTime()).sort((a, b) => a - b)
    for (const [index, time] of startedAt.slice(1).entries()) {
      expect(time - startedAt[index]!).toBeGreaterThanOrEqual(900)
    }
    await world.ecs().deleteService({ cluster: CLUSTER, service: 'flaky', force: true })
  })

  test('says that no port is left for a task', async () => {
    const port = await freePort()
    const portMappings = [{ containerPort: port, hostPort: port }]
    await world.define('port', { portMappings })
    await create('port', { taskDefinition: 'port' })
    await expect
      .poll(async () => (await world.describeService('port')).events!.map(({ message }) => message))
      .toContain(
        '(service port) was unable to place a task because no container instance met all of its requirements. ' +
          'A port that is required by the task is used by another one.',
      )
    await expect.poll(async () => (await world.describeService('port')).runningCount).toBe(1)
    expect((await world.tasksOf('port')).length).toBe(1)
  })

  test.each([
    ['a name with a space', { serviceName: 'a b' }, 'InvalidParameterException'],
    ['a definition that there is not', { taskDefinition: 'absent' }, 'ClientException'],
    ['a cluster that there is not', { cluster: 'absent' }, 'ClusterNotFoundException'],
    ['a negative count', { desiredCount: -1 }, 'InvalidParameterException'],
    ['a load balancer', { loadBalancers: [{ containerPort: 80 }] }, 'UnsupportedOperation'],
    ['a daemon', { schedulingStrategy: 'DAEMON' }, 'UnsupportedOperation'],
    ['CodeDeploy', { deploymentController: { type: 'CODE_DEPLOY' } }, 'UnsupportedOperation'],
    [
      'percents that block',
      { deploymentConfiguration: { minimumHealthyPercent: 100, maximumPercent: 100 } },
      'InvalidParameterException',
    ],
    ['a network without awsvpc', { networkConfiguration: network }, 'InvalidParameterException'],
  ])('refuses %s, and makes nothing', async (what, input, code) => {
    await world.define('web', {})
    const serviceName = what.replaceAll(' ', '-')
    expect(await refusal(create(serviceName, { desiredCount: 0, ...input }))).toBe(code)
    const { failures } = await world
      .ecs()
      .describeServices({ cluster: CLUSTER, services: [serviceName] })
    expect(failures).toMatchObject([{ reason: 'MISSING' }])
  })
})
