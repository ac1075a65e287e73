import { describe, expect, test } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { CREDENTIALS, REGION } from '../region-under-test.ts'
import { CLUSTER, ecsUnderTest } from './ecs-under-test.ts'

const hasCli = runs('aws', ['--version'])
const hasBoto = runs('python3', ['-c', 'import boto3'])

const environment = (endpoint: string) => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  AWS_DEFAULT_REGION: REGION,
  AWS_EC2_METADATA_DISABLED: 'true',
})

describe.skipIf(!hasCli)(
  `the plain aws CLI and ECS${hasCli ? '' : ' (skipped: needs aws CLI)'}`,
  () => {
    const world = ecsUnderTest()
    const aws = async (...args: string[]) => {
      const env = environment(world.endpoint())
      const output = await outputOf('aws', ['ecs', ...args, '--output', 'json'], env)
      return output === '' ? undefined : JSON.parse(output)
    }

    test('registers, runs, waits and stops', async () => {
      const containers = '[{"name": "main", "image": "waiting", "memory": 64}]'
      const at = ['--cluster', CLUSTER]
      await aws(
        'register-task-definition',
        '--family',
        'cli',
        '--container-definitions',
        containers,
      )
      await aws(
        ...['create-service', ...at, '--service-name', 'cli'],
        ...['--task-definition', 'cli', '--desired-count', '1'],
      )
      await aws('wait', 'services-stable', ...at, '--services', 'cli')
      const { taskArns } = await aws('list-tasks', ...at, '--service-name', 'cli')
      const { tasks } = await aws('describe-tasks', ...at, '--tasks', ...taskArns)
      expect(tasks).toMatchObject([{ lastStatus: 'RUNNING', group: 'service:cli' }])
      const absent = aws('update-service', ...at, '--service', 'absent', '--desired-count', '1')
      await expect(absent).rejects.toThrow(
        'An error occurred (ServiceNotFoundException) when calling the UpdateService operation: Service not found.',
      )
    })
  },
)

const SCRIPT = `
import boto3, json
ecs = boto3.client('ecs')
seen = {}
ecs.register_task_definition(family='boto', containerDefinitions=[{'name': 'main', 'image': 'echo', 'memory': 64}])
task = ecs.run_task(cluster='shop', taskDefinition='boto')['tasks'][0]
ecs.get_waiter('tasks_stopped').wait(cluster='shop', tasks=[task['taskArn']], WaiterConfig={'Delay': 1, 'MaxAttempts': 30})
stopped = ecs.describe_tasks(cluster='shop', tasks=[task['taskArn']])['tasks'][0]
seen['exit'] = [c['exitCode'] for c in stopped['containers']]
seen['ordered'] = stopped['createdAt'] <= stopped['startedAt'] <= stopped['stoppedAt']
seen['missing'] = [f['reason'] for f in ecs.describe_services(cluster='shop', services=['x'])['failures']]
seen['pages'] = [a.split('/')[-1] for p in ecs.get_paginator('list_task_definitions').paginate() for a in p['taskDefinitionArns']]
try:
    ecs.list_tasks(cluster='absent')
except ecs.exceptions.ClusterNotFoundException as error:
    seen['typed'] = error.response['Error']['Code']
print(json.dumps(seen))
`

describe.skipIf(!hasBoto)(`plain boto3 and ECS${hasBoto ? '' : ' (skipped: needs boto3)'}`, () => {
  const world = ecsUnderTest()

  test('runs a task, waits for its end, pages and reads typed errors', async () => {
    const output = await outputOf('python3', ['-c', SCRIPT], environment(world.endpoint()))
    expect(JSON.parse(output)).toEqual({
      exit: [0],
      ordered: true,
      missing: ['MISSING'],
      pages: ['boto:1'],
      typed: 'ClusterNotFoundException',
    })
  })
})
