import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { ARN, ecsUnderTest } from './ecs-under-test.ts'

describe('DeleteCluster', () => {
  const world = ecsUnderTest()

  test('makes it inactive: it can be described, and nothing else', async () => {
    await world.ecs().createCluster({ clusterName: 'leaving' })
    const { cluster } = await world.ecs().deleteCluster({ cluster: 'leaving' })
    expect(cluster?.status).toBe('INACTIVE')
    const described = await world.ecs().describeClusters({ clusters: ['leaving'] })
    expect(described.clusters).toMatchObject([{ status: 'INACTIVE' }])
    const { clusterArns } = await world.ecs().listClusters({})
    expect(clusterArns).not.toContain(cluster?.clusterArn)
    const again = world.ecs().deleteCluster({ cluster: 'leaving' })
    expect(await refusal(again)).toBe('ClusterNotFoundException')
    const reborn = await world.ecs().createCluster({ clusterName: 'leaving' })
    expect(reborn.cluster?.status).toBe('ACTIVE')
  })

  test('is refused while there are services or tasks, and nothing has changed', async () => {
    const cluster = 'busy'
    await world.ecs().createCluster({ clusterName: cluster })
    await world.define('busy', {})
    const service = { cluster, serviceName: 'busy', taskDefinition: 'busy', desiredCount: 0 }
    await world.ecs().createService(service)
    const remove = () => world.ecs().deleteCluster({ cluster })
    expect(await refusal(remove())).toBe('ClusterContainsServicesException')
    await world.ecs().deleteService({ cluster, service: 'busy' })
    await expect
      .poll(async () => {
        const { services } = await world.ecs().describeServices({ cluster, services: ['busy'] })
        return services?.[0]?.status
      })
      .toBe('INACTIVE')

    const { tasks } = await world.ecs().runTask({ cluster, taskDefinition: 'busy' })
    const [{ taskArn: task } = {}] = tasks ?? []
    expect(await refusal(remove())).toBe('ClusterContainsTasksException')
    expect((await world.ecs().listClusters({})).clusterArns).toContain(`${ARN}:cluster/busy`)
    await world.ecs().stopTask({ cluster, task })
    await expect
      .poll(async () => {
        const { clusters } = await world.ecs().describeClusters({ clusters: [cluster] })
        return clusters?.[0]?.runningTasksCount
      })
      .toBe(0)
    await expect
      .poll(() =>
        remove().then(
          () => 'gone',
          (error) => error.name,
        ),
      )
      .toBe('gone')
  })
})
