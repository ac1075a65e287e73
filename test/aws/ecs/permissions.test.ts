import { ECS } from '@aws-sdk/client-ecs'
import { beforeAll, describe, expect, test } from 'vitest'
import { policyOf } from '../iam/iam-under-test.ts'
import { refusal } from '../region-under-test.ts'
import { ARN, CLUSTER, ecsUnderTest } from './ecs-under-test.ts'

const ROLE = 'arn:aws:iam::000000000000:role/worker'
const container = { name: 'main', image: 'waiting', memory: 64 }

describe('The rights to ECS', () => {
  const world = ecsUnderTest()
  let count = 0
  /** A client of a user who may only this. */
  const may = async (...statements: Parameters<typeof policyOf>) => {
    count += 1
    return new ECS(world.as(await world.userWith(`user-${count}`, policyOf(...statements))))
  }
  beforeAll(async () => {
    await world.define('web', {})
    await world.define('acting', {}, { taskRoleArn: ROLE })
    const at = { cluster: CLUSTER, taskDefinition: 'web', desiredCount: 0 }
    for (const serviceName of ['mine', 'yours']) {
      await world
        .ecs()
        .createService({ ...at, serviceName, tags: [{ key: 'of', value: serviceName }] })
    }
  })

  test('are none without a policy, and nothing happens', async () => {
    const nobody = await may({ Action: 's3:*' })
    const service = 'mine'
    const calls = [
      () => nobody.createCluster({ clusterName: 'theirs' }),
      () => nobody.registerTaskDefinition({ family: 'theirs', containerDefinitions: [container] }),
      () => nobody.runTask({ cluster: CLUSTER, taskDefinition: 'web' }),
      () => nobody.updateService({ cluster: CLUSTER, service, desiredCount: 1 }),
      () => nobody.deleteService({ cluster: CLUSTER, service }),
      () => nobody.describeServices({ cluster: CLUSTER, services: [service] }),
      () => nobody.listTasks({ cluster: CLUSTER }),
      () => nobody.deregisterTaskDefinition({ taskDefinition: 'web:1' }),
      () =>
        nobody.tagResource({
          resourceArn: `${ARN}:cluster/shop`,
          tags: [{ key: 'a', value: '1' }],
        }),
    ]
    for (const call of calls) expect(await refusal(call())).toBe('AccessDeniedException')
    expect((await world.ecs().listClusters({})).clusterArns).toHaveLength(1)
    expect((await world.ecs().listTaskDefinitionFamilies({})).families).toEqual(['acting', 'web'])
    expect((await world.ecs().listTasks({ cluster: CLUSTER })).taskArns).toEqual([])
    expect(await world.describeService('mine')).toMatchObject({ status: 'ACTIVE', desiredCount: 0 })
  })

  test('are given for one service, by its ARN or its tags', async () => {
    const byArn = await may({ Action: 'ecs:UpdateService', Resource: `${ARN}:service/shop/mine` })
    const byTag = await may({
      ...{ Action: 'ecs:*', Condition: { StringEquals: { 'aws:ResourceTag/of': 'mine' } } },
    })
    for (const user of [byArn, byTag]) {
      await user.updateService({ cluster: CLUSTER, service: 'mine', desiredCount: 0 })
      const other = user.updateService({ cluster: CLUSTER, service: 'yours', desiredCount: 1 })
      expect(await refusal(other)).toBe('AccessDeniedException')
    }
    expect((await world.describeService('yours')).desiredCount).toBe(0)
  })

  test('are given for one cluster, by a condition', async () => {
    const Condition = { ArnEquals: { 'ecs:cluster': `${ARN}:cluster/shop` } }
    const user = await may({ Action: ['ecs:ListTasks', 'ecs:RunTask'], Condition })
    expect((await user.listTasks({ cluster: CLUSTER })).taskArns).toEqual([])
    await world.ecs().createCluster({ clusterName: 'other' })
    expect(await refusal(user.listTasks({ cluster: 'other' }))).toBe('AccessDeniedException')
    const run = user.runTask({ cluster: 'other', taskDefinition: 'web' })
    expect(await refusal(run)).toBe('AccessDeniedException')
    expect((await world.ecs().listTasks({ cluster: 'other' })).taskArns).toEqual([])
  })

  test('to hand a role to tasks are of their own, wherever it is handed', async () => {
    const ecs = { Action: 'ecs:*' }
    const service = { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' }
    const Condition = { StringEquals: service }
    const without = await may(ecs)
    const other = await may(ecs, {
      ...{ Action: 'iam:PassRole', Resource: ROLE },
      Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    })
    const withIt = await may(ecs, { Action: 'iam:PassRole', Resource: ROLE, Condition })
    const at = { cluster: CLUSTER, taskDefinition: 'acting' }
    const calls = (user: ECS) => [
      () =>
        user.registerTaskDefinition({
          ...{ family: 'passed', taskRoleArn: ROLE, containerDefinitions: [container] },
        }),
      () => user.createService({ ...at, serviceName: 'passed', desiredCount: 0 }),
      () => user.updateService({ ...at, service: 'mine' }),
      () =>
        user.runTask({ cluster: CLUSTER, taskDefinition: 'web', overrides: { taskRoleArn: ROLE } }),
    ]
    for (const user of [without, other]) {
      for (const call of calls(user)) expect(await refusal(call())).toBe('AccessDeniedException')
    }
    expect((await world.ecs().listTasks({ cluster: CLUSTER })).taskArns).toEqual([])
    expect((await world.ecs().listTaskDefinitionFamilies({})).families).not.toContain('passed')
    for (const call of calls(withIt)) await call()
    expect((await world.ecs().listTasks({ cluster: CLUSTER })).taskArns).toHaveLength(1)
  })

  test('to give tags to what is made are of their own', async () => {
    const Action = ['ecs:CreateCluster']
    const tags = [{ key: 'a', value: '1' }]
    const without = await may({ Action })
    const tagged = without.createCluster({ clusterName: 'tagged', tags })
    expect(await refusal(tagged)).toBe('AccessDeniedException')
    const Condition = { StringEquals: { 'ecs:CreateAction': 'CreateCluster' } }
    const withIt = await may({ Action }, { Action: 'ecs:TagResource', Condition })
    expect((await withIt.createCluster({ clusterName: 'tagged', tags })).cluster?.tags).toEqual(
      tags,
    )
    const resourceArn = `${ARN}:cluster/tagged`
    expect(await refusal(withIt.tagResource({ resourceArn, tags }))).toBe('AccessDeniedException')
  })
})
