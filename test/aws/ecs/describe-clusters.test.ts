import { CloudWatch } from '@aws-sdk/client-cloudwatch'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { ARN, CLUSTER, ecsUnderTest } from './ecs-under-test.ts'

const METRIC = {
  Namespace: 'ECS/ContainerInsights',
  Dimensions: [
    { Name: 'ClusterName', Value: CLUSTER },
    { Name: 'ServiceName', Value: 'counted' },
  ],
}

describe('DescribeClusters and ListClusters', () => {
  const world = ecsUnderTest()

  test('tell of those that are there and of those that are missing', async () => {
    const { clusters, failures } = await world
      .ecs()
      .describeClusters({ clusters: [CLUSTER, 'absent', `${ARN}:cluster/gone`] })
    expect(clusters).toMatchObject([{ clusterName: CLUSTER, status: 'ACTIVE' }])
    expect(failures).toEqual([
      { arn: `${ARN}:cluster/absent`, reason: 'MISSING' },
      { arn: `${ARN}:cluster/gone`, reason: 'MISSING' },
    ])
    const other = 'arn:aws:ecs:us-east-1:000000000000:cluster/shop'
    const elsewhere = await world.ecs().describeClusters({ clusters: [other] })
    expect(elsewhere).toMatchObject({ clusters: [], failures: [{ arn: other }] })
  })

  test('count tasks and services', async () => {
    await world.define('counted', {})
    await world.ecs().createService({
      cluster: CLUSTER,
      serviceName: 'counted',
      taskDefinition: 'counted',
      desiredCount: 2,
    })
    await world.untilStable('counted')
    const { clusters } = await world.ecs().describeClusters({ clusters: [CLUSTER] })
    expect(clusters).toMatchObject([
      { runningTasksCount: 2, pendingTasksCount: 0, activeServicesCount: 1 },
    ])
    const { MetricDataResults } = await new CloudWatch(world.client()).getMetricData({
      StartTime: new Date(Date.now() - 60_000),
      EndTime: new Date(Date.now() + 60_000),
      MetricDataQueries: ['DesiredTaskCount', 'RunningTaskCount'].map((MetricName) => ({
        Id: MetricName.toLowerCase(),
        MetricStat: { Metric: { ...METRIC, MetricName }, Period: 60, Stat: 'Maximum' },
      })),
    })
    expect(MetricDataResults?.map(({ Values }) => Math.max(...Values!))).toEqual([2, 2])
  })

  test('list by pages, and refuse a token that is none', async () => {
    for (const clusterName of ['b', 'a']) await world.ecs().createCluster({ clusterName })
    const first = await world.ecs().listClusters({ maxResults: 2 })
    expect(first.clusterArns).toEqual([`${ARN}:cluster/a`, `${ARN}:cluster/b`])
    const second = await world.ecs().listClusters({ maxResults: 2, nextToken: first.nextToken })
    expect(second.clusterArns).toEqual([`${ARN}:cluster/shop`])
    expect(second.nextToken).toBeUndefined()
    const odd = world.ecs().listClusters({ nextToken: 'x' })
    expect(await refusal(odd)).toBe('InvalidParameterException')
    expect(await refusal(world.ecs().listClusters({ maxResults: 101 }))).toBe(
      'InvalidParameterException',
    )
  })
})
