import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { CLUSTER, ecsUnderTest } from './ecs-under-test.ts'

describe('StopTask', () => {
  const world = ecsUnderTest()
  const stop = (task: string, reason?: string) =>
    world.ecs().stopTask({ cluster: CLUSTER, task, ...(reason ? { reason } : {}) })

  test('asks the program to end, and says who asked', async () => {
    const script = 'trap "echo bye; exit 7" TERM; echo ready; sleep 1000 & wait'
    await world.define('polite', { image: 'local', command: ['/bin/sh', '-c', script] })
    const arn = await world.run('polite')
    await expect.poll(() => world.output(arn)).toBe('ready\n')
    const { task } = await stop(arn, 'enough')
    expect(task).toMatchObject({ desiredStatus: 'STOPPED', stopCode: 'UserInitiated' })
    const stopped = await world.untilTask(arn, 'STOPPED')
    expect(stopped).toMatchObject({ stoppedReason: 'enough', containers: [{ exitCode: 7 }] })
    expect(world.output(arn)).toBe('ready\nbye\n')
  })

  test('ends a program that does not want to, after its stopTimeout, with all that it started', async () => {
    const script =
      'trap "" TERM; (trap "" TERM; while :; do sleep 1; done) & setsid sleep 1000 & wait; wait'
    await world.define('stubborn', {
      ...{ image: 'local', command: ['/bin/sh', '-c', script], stopTimeout: 1 },
    })
    const arn = await world.run('stubborn')
    await expect.poll(() => world.processes(arn).length).toBeGreaterThanOrEqual(3)
    const before = Date.now()
    await stop(arn)
    const stopped = await world.untilTask(arn, 'STOPPED')
    expect(stopped).toMatchObject({
      stoppedReason: 'Task stopped by user',
      containers: [{ exitCode: 137 }],
    })
    expect(Date.now() - before).toBeGreaterThan(900)
    expect(world.processes(arn)).toEqual([])
  })

  test('of a task that has stopped changes nothing, and refuses one that there is not', async () => {
    await world.define('over', { image: 'echo' })
    const arn = await world.run('over')
    const before = await world.untilTask(arn, 'STOPPED')
    await stop(arn, 'late')
    expect(await world.describeTask(arn)).toEqual(before)
    expect(await refusal(stop('0'.repeat(32)))).toBe('InvalidParameterException')
    await world.ecs().createCluster({ clusterName: 'other' })
    const elsewhere = world.ecs().stopTask({ cluster: 'other', task: arn })
    expect(await refusal(elsewhere)).toBe('InvalidParameterException')
  })
})

describe('DescribeTasks and ListTasks', () => {
  const world = ecsUnderTest()

  test('tell of those that run and, for an hour, of those that have stopped', async () => {
    await world.define('short', { image: 'echo' })
    await world.define('long', {})
    const [short, long] = [await world.run('short'), await world.run('long', { startedBy: 'me' })]
    await world.untilTask(short, 'STOPPED')
    await world.untilTask(long, 'RUNNING')
    const listed = async (more: object) =>
      (await world.ecs().listTasks({ cluster: CLUSTER, ...more })).taskArns
    expect(await listed({})).toEqual([long])
    expect(await listed({ desiredStatus: 'STOPPED' })).toEqual([short])
    expect(await listed({ desiredStatus: 'PENDING' })).toEqual([])
    expect(await listed({ startedBy: 'me' })).toEqual([long])
    expect(await listed({ startedBy: 'you' })).toEqual([])
    expect(await listed({ family: 'short' })).toEqual([])
    expect(await listed({ launchType: 'FARGATE' })).toEqual([])
    const both = world.ecs().listTasks({ cluster: CLUSTER, startedBy: 'me', family: 'long' })
    expect(await refusal(both)).toBe('InvalidParameterException')
    const service = world.ecs().listTasks({ cluster: CLUSTER, serviceName: 'absent' })
    expect(await refusal(service)).toBe('ServiceNotFoundException')

    const id = long.slice(long.lastIndexOf('/') + 1)
    const absent = long.replace(id, '0'.repeat(32))
    const { tasks, failures } = await world
      .ecs()
      .describeTasks({ cluster: CLUSTER, tasks: [id, short, absent] })
    expect(tasks?.map(({ lastStatus }) => lastStatus)).toEqual(['RUNNING', 'STOPPED'])
    expect(failures).toEqual([{ arn: absent, reason: 'MISSING' }])
    const none = world.ecs().describeTasks({ cluster: CLUSTER, tasks: [] })
    expect(await refusal(none)).toBe('InvalidParameterException')

    expect(world.output(short)).not.toBe('')
    world.clock.forward(3_601_000)
    await world.restart()
    await expect.poll(() => world.output(short)).toBe('')
    world.clock.forward(-3_601_000)
    const { tasks: left, failures: gone } = await world
      .ecs()
      .describeTasks({ cluster: CLUSTER, tasks: [short, long] })
    expect(left).toMatchObject([{ taskArn: long, lastStatus: 'STOPPED' }])
    expect(gone).toEqual([{ arn: short, reason: 'MISSING' }])
  })
})
