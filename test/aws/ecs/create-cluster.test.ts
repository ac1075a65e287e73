import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { ARN, ecsUnderTest } from './ecs-under-test.ts'

describe('CreateCluster', () => {
  const world = ecsUnderTest()

  test('makes an active cluster with its tags and settings', async () => {
    const { cluster } = await world.ecs().createCluster({
      clusterName: 'made_here-1',
      tags: [{ key: 'team', value: 'a' }],
      settings: [{ name: 'containerInsights', value: 'enabled' }],
    })
    expect(cluster).toMatchObject({
      clusterArn: `${ARN}:cluster/made_here-1`,
      clusterName: 'made_here-1',
      status: 'ACTIVE',
      tags: [{ key: 'team', value: 'a' }],
      settings: [{ name: 'containerInsights', value: 'enabled' }],
      runningTasksCount: 0,
      activeServicesCount: 0,
      registeredContainerInstancesCount: 0,
    })
  })

  test("without a name makes 'default', which is meant where none is named", async () => {
    const ask = world.ecs().listTasks({})
    expect(await refusal(ask)).toBe('ClusterNotFoundException')
    const { cluster } = await world.ecs().createCluster({})
    expect(cluster?.clusterName).toBe('default')
    expect((await world.ecs().listTasks({})).taskArns).toEqual([])
  })

  test('asked again answers the cluster that is there, as it is', async () => {
    const tags = [{ key: 'first', value: 'yes' }]
    await world.ecs().createCluster({ clusterName: 'again', tags })
    const { cluster } = await world.ecs().createCluster({ clusterName: 'again' })
    expect(cluster?.tags).toEqual(tags)
  })

  test.each([
    ['a name with a space', { clusterName: 'a b' }, 'InvalidParameterException'],
    ['a name too long', { clusterName: 'a'.repeat(256) }, 'InvalidParameterException'],
    [
      'a setting that there is not',
      { settings: [{ name: 'other' as never, value: 'on' }] },
      'InvalidParameterException',
    ],
    ['a tag of AWS', { tags: [{ key: 'aws:x', value: '' }] }, 'InvalidParameterException'],
    ['a capacity provider', { capacityProviders: ['FARGATE'] }, 'UnsupportedOperation'],
  ])('refuses %s, and makes nothing', async (what, input, code) => {
    const clusterName = what.replaceAll(' ', '-')
    expect(await refusal(world.ecs().createCluster({ clusterName, ...input }))).toBe(code)
    const { failures } = await world.ecs().describeClusters({ clusters: [clusterName] })
    expect(failures).toMatchObject([{ reason: 'MISSING' }])
  })
})

describe('UpdateCluster', () => {
  const world = ecsUnderTest()

  test('changes the settings, and refuses a cluster that there is not', async () => {
    const settings = [{ name: 'containerInsights' as const, value: 'enabled' }]
    const { cluster } = await world.ecs().updateCluster({ cluster: 'shop', settings })
    expect(cluster?.settings).toEqual(settings)
    const described = await world
      .ecs()
      .describeClusters({ clusters: ['shop'], include: ['SETTINGS'] })
    expect(described.clusters?.[0]?.settings).toEqual(settings)
    const absent = world.ecs().updateCluster({ cluster: 'absent', settings })
    expect(await refusal(absent)).toBe('ClusterNotFoundException')
  })
})
