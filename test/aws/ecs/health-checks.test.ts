import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CLUSTER, ecsUnderTest } from './ecs-under-test.ts'

describe('A health check', () => {
  const world = ecsUnderTest()

  test('makes a task healthy, and has the service replace it when it fails', async () => {
    const file = join(world.folder(), 'healthy')
    const command = ['CMD', '/usr/bin/test', '-e', file]
    await world.images({
      checked: { entryPoint: ['/bin/sleep', '1000'], allowHealthChecks: [command] },
    })
    await writeFile(file, '')
    await world.define('checked', {
      ...{ image: 'checked', healthCheck: { command, interval: 5, retries: 1 } },
    })
    const at = { cluster: CLUSTER, serviceName: 'checked', taskDefinition: 'checked' }
    await world.ecs().createService({ ...at, desiredCount: 1 })
    const [task] = await expect
      .poll(() => world.tasksOf('checked'))
      .toMatchObject([{ healthStatus: 'HEALTHY', containers: [{ healthStatus: 'HEALTHY' }] }])
      .then(() => world.tasksOf('checked'))
    await rm(file)
    await expect
      .poll(() => world.describeTask(task!.taskArn!))
      .toMatchObject({ healthStatus: 'UNHEALTHY' })
    // It is replaced first: with the file there again the new one is healthy, and the old one goes.
    await writeFile(file, '')
    const stopped = await world.untilTask(task!.taskArn!, 'STOPPED')
    expect(stopped).toMatchObject({
      stopCode: 'ServiceSchedulerInitiated',
      stoppedReason: 'Task failed container health checks',
    })
    expect(await world.tasksOf('checked')).toMatchObject([{ healthStatus: 'HEALTHY' }])
  })
})
