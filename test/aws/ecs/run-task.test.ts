import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { ARN, CLUSTER, ecsUnderTest } from './ecs-under-test.ts'

describe('RunTask', () => {
  const world = ecsUnderTest()

  test('runs a program of this machine, from PROVISIONING to its end', async () => {
    const definition = await world.define('once', { image: 'echo' })
    const { tasks, failures } = await world
      .ecs()
      .runTask({ cluster: CLUSTER, taskDefinition: 'once', startedBy: 'me' })
    expect(failures).toEqual([])
    expect(tasks).toMatchObject([
      {
        taskArn: expect.stringMatching(/^arn:aws:ecs:.*:task\/shop\/[0-9a-f]{32}$/),
        clusterArn: `${ARN}:cluster/shop`,
        taskDefinitionArn: definition,
        group: 'family:once',
        startedBy: 'me',
        launchType: 'EC2',
        desiredStatus: 'RUNNING',
        lastStatus: 'PROVISIONING',
        containers: [{ name: 'main', image: 'echo', lastStatus: 'PENDING' }],
      },
    ])
    const task = await world.untilTask(tasks![0]!.taskArn!, 'STOPPED')
    expect(task).toMatchObject({
      desiredStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      containers: [{ lastStatus: 'STOPPED', exitCode: 0, runtimeId: expect.any(String) }],
    })
    const { createdAt, pullStartedAt, pullStoppedAt, startedAt, executionStoppedAt } = task
    const times = [createdAt, pullStartedAt, pullStoppedAt, startedAt, executionStoppedAt]
    const all = [...times, task.stoppedAt].map((time) => time!.getTime())
    expect(all).toEqual([...all].sort((a, b) => a - b))
    expect(world.output(task.taskArn!)).toBe('by default\n')
  })
})
