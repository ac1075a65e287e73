import { describe, expect, test } from 'vitest'
import { freePort } from '../../../src/postgres/free-port.ts'
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

  test('gives the program its arguments and variables, and none of ours', async () => {
    const script = 'echo "$1 $2"; env | cut -d= -f1 | sort | tr "\\n" " "; echo "$GIVEN"; exit 3'
    await world.define('told', {
      ...{ image: 'local', entryPoint: ['/bin/sh', '-c', script, 'sh'], command: ['a', 'b'] },
      environment: [{ name: 'GIVEN', value: 'by the definition' }],
    })
    const overridden = {
      containerOverrides: [
        {
          ...{ name: 'main', command: ['c d', '"e"'] },
          environment: [{ name: 'GIVEN', value: 'by the task' }],
        },
      ],
    }
    const plain = await world.untilTask(await world.run('told'), 'STOPPED')
    expect(plain.containers).toMatchObject([{ exitCode: 3 }])
    const [first, names = ''] = world.output(plain.taskArn!).split('\n')
    expect(first).toBe('a b')
    expect(names.split(' ').sort()).toEqual(
      [
        ...['AWS_DEFAULT_REGION', 'AWS_EC2_METADATA_DISABLED', 'AWS_ENDPOINT_URL'],
        ...[
          'AWS_EXECUTION_ENV',
          'AWS_REGION',
          'ECS_CONTAINER_METADATA_URI_V4',
          'GIVEN',
          'PATH',
          'PWD',
        ],
        ...['_by', 'definition', 'the'].map((word) => word.replace('_', '')),
      ].sort(),
    )
    const task = await world.untilTask(
      await world.run('told', { overrides: overridden }),
      'STOPPED',
    )
    expect(world.output(task.taskArn!)).toMatch(/^c d "e"\n.*by the task\n$/s)
    expect(task.overrides?.containerOverrides).toMatchObject(overridden.containerOverrides)
  })

  test('starts as many as are asked for, and none again under the same token', async () => {
    await world.define('many', {})
    const input = { cluster: CLUSTER, taskDefinition: 'many', count: 3, clientToken: 'once' }
    const first = await world.ecs().runTask(input)
    const again = await world.ecs().runTask(input)
    const arns = (made: typeof first) => made.tasks!.map(({ taskArn }) => taskArn).sort()
    expect(arns(again)).toEqual(arns(first))
    const listed = await world.ecs().listTasks({ cluster: CLUSTER, family: 'many' })
    expect(listed.taskArns?.sort()).toEqual(arns(first))
    const other = world.ecs().runTask({ ...input, count: 1 })
    expect(await refusal(other)).toBe('ConflictException')
  })

  test('tells a port that it chose, in the environment and in the description', async () => {
    const fixed = await freePort()
    const script = 'echo "$PORT $PORT_80 $PORT_81"; sleep 1000'
    await world.define('listening', {
      ...{ image: 'local', entryPoint: ['/bin/sh', '-c', script] },
      portMappings: [{ containerPort: 80 }, { containerPort: 81, hostPort: fixed }],
    })
    const task = await world.untilTask(await world.run('listening'), 'RUNNING')
    const bindings = task.containers![0]!.networkBindings!
    expect(bindings).toMatchObject([
      { bindIP: '127.0.0.1', containerPort: 80, protocol: 'tcp' },
      { containerPort: 81, hostPort: fixed },
    ])
    const chosen = bindings[0]!.hostPort
    await expect.poll(() => world.output(task.taskArn!)).toBe(`${chosen} ${chosen} ${fixed}\n`)

    const second = await world.ecs().runTask({ cluster: CLUSTER, taskDefinition: 'listening' })
    expect(second).toMatchObject({ tasks: [], failures: [{ reason: 'RESOURCE:PORTS' }] })
    await world.ecs().stopTask({ cluster: CLUSTER, task: task.taskArn })
    await world.untilTask(task.taskArn!, 'STOPPED')
    await world.untilTask(await world.run('listening'), 'RUNNING')
  })

  test('runs containers in the order of their dependencies, and all as long as the essential ones', async () => {
    const say = (text: string) => ['/bin/sh', '-c', `echo ${text}; date +%s%N; exec sleep 1000`]
    const { taskDefinition } = await world.ecs().registerTaskDefinition({
      family: 'ordered',
      containerDefinitions: [
        {
          ...{ name: 'main', image: 'local', memory: 64, command: ['/bin/sh', '-c', 'date +%s%N'] },
          dependsOn: [
            { containerName: 'setup', condition: 'SUCCESS' },
            { containerName: 'beside', condition: 'START' },
          ],
        },
        { name: 'beside', image: 'local', memory: 64, essential: false, command: say('beside') },
        {
          ...{ name: 'setup', image: 'local', memory: 64, essential: false },
          command: ['/bin/sh', '-c', 'date +%s%N'],
        },
      ],
    })
    const task = await world.untilTask(
      await world.run(taskDefinition!.taskDefinitionArn!),
      'STOPPED',
    )
    expect(task.stoppedReason).toBe('Essential container in task exited')
    const exitCodes = task.containers!.map(({ name, exitCode }) => [name, exitCode])
    expect(exitCodes).toEqual([
      ['main', 0],
      ['beside', 143],
      ['setup', 0],
    ])
    const setup = BigInt(world.output(task.taskArn!, 'setup').trim())
    expect(BigInt(world.output(task.taskArn!, 'main').trim())).toBeGreaterThan(setup)
    expect(world.processes(task.taskArn!)).toEqual([])
  })

  test('does not go on when a container that must succeed fails', async () => {
    await world.ecs().registerTaskDefinition({
      family: 'unsuccessful',
      containerDefinitions: [
        {
          ...{ name: 'main', image: 'echo', memory: 64 },
          dependsOn: [{ containerName: 'setup', condition: 'SUCCESS' }],
        },
        {
          ...{ name: 'setup', image: 'local', memory: 64, essential: false },
          command: ['/bin/false'],
        },
      ],
    })
    const task = await world.untilTask(await world.run('unsuccessful'), 'STOPPED')
    expect(task).toMatchObject({ stopCode: 'TaskFailedToStart', containers: [{}, { exitCode: 1 }] })
    expect(task.stoppedReason).toContain("dependency container 'setup' ended with exit code 1")
    expect(task.startedAt).toBeUndefined()
    expect(world.output(task.taskArn!)).toBe('')
  })

  test('answers on the metadata endpoint what a container is', async () => {
    const script =
      'const base = process.env.ECS_CONTAINER_METADATA_URI_V4; ' +
      'const get = async (path) => (await fetch(base + path)).json(); ' +
      'const [me, task] = [await get(""), await get("/task")]; ' +
      'console.log(JSON.stringify([me.Name, task.TaskARN, task.Family, (await fetch(base + "x")).status]))'
    const command = [process.execPath, '--input-type=module', '-e', script]
    await world.define('curious', { image: 'local', command })
    const task = await world.untilTask(await world.run('curious'), 'STOPPED')
    const answer = JSON.parse(world.output(task.taskArn!))
    expect(answer).toEqual(['main', task.taskArn, 'curious', 404])
  })

  test.each([
    ['a definition that there is not', { taskDefinition: 'absent' }, 'ClientException'],
    ['a cluster that there is not', { cluster: 'absent' }, 'ClusterNotFoundException'],
    ['eleven tasks', { count: 11 }, 'InvalidParameterException'],
    [
      'an override of nothing',
      { overrides: { containerOverrides: [{ name: 'x' }] } },
      'InvalidParameterException',
    ],
    ['Fargate for EC2', { launchType: 'FARGATE' as const }, 'InvalidParameterException'],
    [
      'a capacity provider',
      { capacityProviderStrategy: [{ capacityProvider: 'x' }] },
      'UnsupportedOperation',
    ],
  ])('refuses %s, and runs nothing', async (what, input, code) => {
    const family = what.replaceAll(' ', '-')
    await world.define(family, {})
    const run = world.ecs().runTask({ cluster: CLUSTER, taskDefinition: family, ...input })
    expect(await refusal(run)).toBe(code)
    expect((await world.ecs().listTasks({ cluster: CLUSTER, family })).taskArns).toEqual([])
  })
})
