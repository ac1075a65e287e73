import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { CLUSTER, ecsUnderTest } from './ecs-under-test.ts'

describe('DescribeTaskDefinition', () => {
  const world = ecsUnderTest()

  test('finds a revision by its ARN or number, and the latest active one by its family', async () => {
    const tags = [{ key: 'a', value: '1' }]
    const first = await world.define('web', {}, { tags })
    await world.define('web', {})
    const describeOne = async (taskDefinition: string) => {
      const include = ['TAGS' as const]
      return await world.ecs().describeTaskDefinition({ taskDefinition, include })
    }
    expect(await describeOne(first)).toMatchObject({ taskDefinition: { revision: 1 }, tags })
    expect((await describeOne('web:1')).taskDefinition?.revision).toBe(1)
    expect((await describeOne('web')).taskDefinition?.revision).toBe(2)
    await world.ecs().deregisterTaskDefinition({ taskDefinition: 'web:2' })
    expect((await describeOne('web')).taskDefinition?.revision).toBe(1)
    expect((await describeOne('web:2')).taskDefinition).toMatchObject({
      status: 'INACTIVE',
      deregisteredAt: expect.any(Date),
    })
    for (const absent of [
      'web:9',
      'other',
      'arn:aws:ecs:us-east-1:000000000000:task-definition/web:1',
    ]) {
      expect(await refusal(describeOne(absent))).toBe('ClientException')
    }
  })
})

describe('DeregisterTaskDefinition', () => {
  const world = ecsUnderTest()

  test('leaves nothing new to be started from it, and what runs alone', async () => {
    await world.define('web', {})
    const serviceName = 'web'
    const at = { cluster: CLUSTER, taskDefinition: 'web:1' }
    await world.ecs().createService({ ...at, serviceName, desiredCount: 1 })
    const { taskDefinition } = await world
      .ecs()
      .deregisterTaskDefinition({ taskDefinition: 'web:1' })
    expect(taskDefinition?.status).toBe('INACTIVE')
    expect(await refusal(world.ecs().runTask(at))).toBe('ClientException')
    const another = world.ecs().createService({ ...at, serviceName: 'other' })
    expect(await refusal(another)).toBe('ClientException')
    await world.ecs().updateService({ cluster: CLUSTER, service: serviceName, desiredCount: 2 })
    expect((await world.untilStable(serviceName)).runningCount).toBe(2)
  })

  test('needs a revision that is there', async () => {
    const deregister = (taskDefinition: string) =>
      refusal(world.ecs().deregisterTaskDefinition({ taskDefinition }))
    expect(await deregister('web')).toBe('InvalidParameterException')
    expect(await deregister('absent:1')).toBe('ClientException')
  })
})

describe('ListTaskDefinitions and ListTaskDefinitionFamilies', () => {
  const world = ecsUnderTest()

  test('tell active ones from inactive ones', async () => {
    for (const family of ['b', 'a', 'a', 'ab']) await world.define(family, {})
    await world.ecs().deregisterTaskDefinition({ taskDefinition: 'a:1' })
    await world.ecs().deregisterTaskDefinition({ taskDefinition: 'ab:1' })
    const listed = async (
      input: Parameters<ReturnType<typeof world.ecs>['listTaskDefinitions']>[0],
    ) => {
      const { taskDefinitionArns = [] } = await world.ecs().listTaskDefinitions(input)
      return taskDefinitionArns.map((arn) => arn.slice(arn.lastIndexOf('/') + 1))
    }
    expect(await listed({})).toEqual(['a:2', 'b:1'])
    expect(await listed({ sort: 'DESC' })).toEqual(['b:1', 'a:2'])
    expect(await listed({ status: 'INACTIVE' })).toEqual(['a:1', 'ab:1'])
    expect(await listed({ familyPrefix: 'a' })).toEqual(['a:2'])
    const families = async (status?: 'ACTIVE' | 'INACTIVE') =>
      (await world.ecs().listTaskDefinitionFamilies({ ...(status ? { status } : {}) })).families
    expect(await families()).toEqual(['a', 'ab', 'b'])
    expect(await families('ACTIVE')).toEqual(['a', 'b'])
    expect(await families('INACTIVE')).toEqual(['ab'])
    const page = await world.ecs().listTaskDefinitions({ maxResults: 1 })
    const { nextToken } = page
    expect((await world.ecs().listTaskDefinitions({ nextToken })).taskDefinitionArns).toHaveLength(
      1,
    )
  })
})
