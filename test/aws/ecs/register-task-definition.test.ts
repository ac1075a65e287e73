import type { ContainerDefinition, RegisterTaskDefinitionCommandInput } from '@aws-sdk/client-ecs'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { ARN, ecsUnderTest } from './ecs-under-test.ts'

const SECRET = 'arn:aws:secretsmanager:ap-southeast-1:000000000000:secret:db-abcdef'

describe('RegisterTaskDefinition', () => {
  const world = ecsUnderTest()

  test('makes the next revision of a family, with the defaults filled in', async () => {
    const container = {
      name: 'web',
      image: 'echo',
      memory: 64,
      portMappings: [{ containerPort: 80 }],
    }
    const input = { family: 'web', containerDefinitions: [container] }
    const first = await world.ecs().registerTaskDefinition(input)
    expect(first.taskDefinition).toMatchObject({
      taskDefinitionArn: `${ARN}:task-definition/web:1`,
      family: 'web',
      revision: 1,
      status: 'ACTIVE',
      compatibilities: ['EC2'],
      registeredBy: 'arn:aws:iam::000000000000:root',
      containerDefinitions: [
        {
          ...{ name: 'web', image: 'echo', cpu: 0, memory: 64, essential: true },
          portMappings: [{ containerPort: 80, hostPort: 0, protocol: 'tcp' }],
          ...{ environment: [], mountPoints: [], volumesFrom: [] },
        },
      ],
    })
    const second = await world.ecs().registerTaskDefinition(input)
    expect(second.taskDefinition?.revision).toBe(2)
    await world.ecs().deregisterTaskDefinition({ taskDefinition: 'web:2' })
    expect((await world.ecs().registerTaskDefinition(input)).taskDefinition?.revision).toBe(3)
  })

  test('of many at once gives each a revision of its own', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => world.define('race', {})))
    const revisions = made.map((arn) => Number(arn.slice(arn.lastIndexOf(':') + 1)))
    expect(revisions.sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('knows the sizes of Fargate', async () => {
    const { taskDefinition } = await world.ecs().registerTaskDefinition({
      family: 'fargate',
      requiresCompatibilities: ['FARGATE'],
      networkMode: 'awsvpc',
      cpu: '.25 vCPU',
      memory: '0.5GB',
      containerDefinitions: [
        { name: 'main', image: 'echo', portMappings: [{ containerPort: 8080 }] },
      ],
    })
    expect(taskDefinition).toMatchObject({
      ...{ cpu: '256', memory: '512', compatibilities: ['EC2', 'FARGATE'] },
      containerDefinitions: [{ portMappings: [{ containerPort: 8080, hostPort: 8080 }] }],
    })
  })

  const fargate = {
    ...{ requiresCompatibilities: ['FARGATE' as const], networkMode: 'awsvpc' as const },
  }
  const refused: [string, Partial<ContainerDefinition>, string, object?][] = [
    ['no image', { image: '' }, 'ClientException'],
    ['an image that is none', { image: 'a b' }, 'ClientException'],
    ['a container that is not essential alone', { essential: false }, 'ClientException'],
    ['no memory', { memory: undefined }, 'ClientException'],
    ['a port that is none', { portMappings: [{ containerPort: 70_000 }] }, 'ClientException'],
    [
      'a variable twice',
      {
        environment: [{ name: 'A', value: '1' }],
        secrets: [{ name: 'A', valueFrom: SECRET }],
      },
      'ClientException',
      { executionRoleArn: 'arn:aws:iam::000000000000:role/x' },
    ],
    ['secrets without a role', { secrets: [{ name: 'A', valueFrom: SECRET }] }, 'ClientException'],
    [
      'a parameter of Systems Manager',
      { secrets: [{ name: 'A', valueFrom: '/db/password' }] },
      'UnsupportedOperation',
    ],
    ['a user', { user: 'root' }, 'UnsupportedOperation'],
    ['privileges', { privileged: true }, 'UnsupportedOperation'],
    ['a read-only file system', { readonlyRootFilesystem: true }, 'UnsupportedOperation'],
    ['a volume', {}, 'UnsupportedOperation', { volumes: [{ name: 'data' }] }],
    [
      'a dependency on nothing',
      { dependsOn: [{ containerName: 'x', condition: 'START' }] },
      'ClientException',
    ],
    ['a health check that is none', { healthCheck: { command: ['true'] } }, 'ClientException'],
    ['Fargate in a bridge', {}, 'ClientException', { ...fargate, networkMode: 'bridge' }],
    ['Fargate without a size', {}, 'ClientException', fargate],
    ['a size that there is not', {}, 'ClientException', { ...fargate, cpu: '256', memory: '9000' }],
    ['a network mode', {}, 'ClientException', { networkMode: 'x' }],
    ['a name with a space', { name: 'a b' }, 'InvalidParameterException'],
  ]

  test.each(refused)('refuses %s, and makes nothing', async (what, container, code, more = {}) => {
    const family = what.replaceAll(' ', '-')
    expect(await refusal(world.define(family, container, more))).toBe(code)
    const { families } = await world.ecs().listTaskDefinitionFamilies({ familyPrefix: family })
    expect(families).toEqual([])
  })

  test('refuses two containers of a name, and dependencies in a circle', async () => {
    const one = { name: 'a', image: 'echo', memory: 64 }
    const on = (containerName: string) => ({
      dependsOn: [{ containerName, condition: 'START' as const }],
    })
    const register = (...containerDefinitions: ContainerDefinition[]) =>
      refusal(
        world.ecs().registerTaskDefinition({
          ...{ family: 'many', containerDefinitions },
        } satisfies RegisterTaskDefinitionCommandInput),
      )
    expect(await register(one, one)).toBe('ClientException')
    expect(await register({ ...one, ...on('b') }, { ...one, name: 'b', ...on('a') })).toBe(
      'ClientException',
    )
    const waits = { ...one, name: 'b', dependsOn: [{ containerName: 'a', condition: 'SUCCESS' }] }
    expect(await register(one, waits as ContainerDefinition)).toBe('ClientException')
  })
})
