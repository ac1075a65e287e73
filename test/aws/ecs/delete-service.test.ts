import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { ARN, CLUSTER, ecsUnderTest } from './ecs-under-test.ts'

describe('DeleteService', () => {
  const world = ecsUnderTest()
  const make = async (name: string, desiredCount: number) => {
    await world.define(name, {})
    const at = { cluster: CLUSTER, serviceName: name, taskDefinition: name, desiredCount }
    await world.ecs().createService(at)
    return await world.untilStable(name)
  }
  const remove = (service: string, force?: boolean) =>
    world.ecs().deleteService({ cluster: CLUSTER, service, ...(force ? { force } : {}) })

  test('is refused while the service is scaled above 0, and its tasks run on', async () => {
    await make('busy', 1)
    const before = await world.tasksOf('busy')
    expect(await refusal(remove('busy'))).toBe('InvalidParameterException')
    expect(await world.describeService('busy')).toMatchObject({ status: 'ACTIVE', runningCount: 1 })
    expect((await world.tasksOf('busy'))[0]?.taskArn).toBe(before[0]?.taskArn)
  })

  test('with force ends its tasks; it can be described, and made again', async () => {
    await make('leaving', 2)
    const tasks = await world.tasksOf('leaving')
    const { service } = await remove('leaving', true)
    expect(service).toMatchObject({ status: 'DRAINING', desiredCount: 0 })
    const at = { cluster: CLUSTER, serviceName: 'leaving', taskDefinition: 'leaving' }
    const early = await world
      .ecs()
      .createService(at)
      .catch((error: Error) => error.name)
    if (typeof early === 'string') expect(early).toBe('InvalidParameterException')
    await expect.poll(async () => (await world.describeService('leaving')).status).toBe('INACTIVE')
    for (const { taskArn } of tasks) {
      expect((await world.describeTask(taskArn!)).lastStatus).toBe('STOPPED')
      expect(world.processes(taskArn!)).toEqual([])
    }
    expect((await world.ecs().listServices({ cluster: CLUSTER })).serviceArns).not.toContain(
      service?.serviceArn,
    )
    expect(await refusal(remove('leaving'))).toBe('ServiceNotActiveException')
    const change = world
      .ecs()
      .updateService({ cluster: CLUSTER, service: 'leaving', desiredCount: 1 })
    expect(await refusal(change)).toBe('ServiceNotActiveException')
    const reborn = await world.ecs().createService(at)
    expect(reborn.service).toMatchObject({ status: 'ACTIVE', events: [] })
  })
})

describe('DescribeServices and ListServices', () => {
  const world = ecsUnderTest()

  test('tell of those that are there and of those that are missing', async () => {
    await world.define('web', {})
    for (const serviceName of ['b', 'a']) {
      const tags = [{ key: 'name', value: serviceName }]
      const at = { cluster: CLUSTER, serviceName, taskDefinition: 'web', tags }
      await world.ecs().createService(at)
    }
    const arn = `${ARN}:service/shop/a`
    const services = [arn, 'absent', 'b', `${ARN}:service/other/b`]
    const described = await world.ecs().describeServices({ cluster: CLUSTER, services })
    expect(described.services?.map(({ serviceName }) => serviceName)).toEqual(['a', 'b'])
    expect(described.services?.[0]).not.toHaveProperty('tags')
    expect(described.failures).toEqual([
      { arn: `${ARN}:service/shop/absent`, reason: 'MISSING' },
      { arn: `${ARN}:service/other/b`, reason: 'MISSING' },
    ])
    const withTags = await world
      .ecs()
      .describeServices({ cluster: CLUSTER, services: ['a'], include: ['TAGS'] })
    expect(withTags.services?.[0]?.tags).toEqual([{ key: 'name', value: 'a' }])
    const eleven = Array.from({ length: 11 }, (_, n) => `${n}`)
    const many = world.ecs().describeServices({ cluster: CLUSTER, services: eleven })
    expect(await refusal(many)).toBe('InvalidParameterException')
    const elsewhere = world.ecs().describeServices({ cluster: 'absent', services: ['a'] })
    expect(await refusal(elsewhere)).toBe('ClusterNotFoundException')

    const first = await world.ecs().listServices({ cluster: CLUSTER, maxResults: 1 })
    expect(first.serviceArns).toEqual([arn])
    const { nextToken } = first
    const second = await world.ecs().listServices({ cluster: CLUSTER, maxResults: 1, nextToken })
    expect(second.serviceArns).toEqual([`${ARN}:service/shop/b`])
    const fargate = await world.ecs().listServices({ cluster: CLUSTER, launchType: 'FARGATE' })
    expect(fargate.serviceArns).toEqual([])
  })
})

describe('TagResource, UntagResource and ListTagsForResource', () => {
  const world = ecsUnderTest()

  test('work on clusters, services, tasks and task definitions', async () => {
    const definition = await world.define('tagged', {})
    await world
      .ecs()
      .createService({ cluster: CLUSTER, serviceName: 'tagged', taskDefinition: 'tagged' })
    const task = await world.run('tagged')
    const arns = [`${ARN}:cluster/shop`, `${ARN}:service/shop/tagged`, task, definition]
    for (const resourceArn of arns) {
      const tags = [
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ]
      await world.ecs().tagResource({ resourceArn, tags })
      await world.ecs().tagResource({ resourceArn, tags: [{ key: 'a', value: '3' }] })
      await world.ecs().untagResource({ resourceArn, tagKeys: ['b', 'absent'] })
      const listed = await world.ecs().listTagsForResource({ resourceArn })
      expect(listed.tags).toEqual([{ key: 'a', value: '3' }])
      const bad = world.ecs().tagResource({ resourceArn, tags: [{ key: 'aws:x', value: '' }] })
      expect(await refusal(bad)).toBe('InvalidParameterException')
      expect((await world.ecs().listTagsForResource({ resourceArn })).tags).toHaveLength(1)
    }
    const list = (resourceArn: string) => refusal(world.ecs().listTagsForResource({ resourceArn }))
    expect(await list(`${ARN}:cluster/absent`)).toBe('ResourceNotFoundException')
    expect(await list('arn:aws:s3:::bucket')).toBe('InvalidParameterException')
  })
})
