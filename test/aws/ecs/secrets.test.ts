import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { beforeAll, describe, expect, test } from 'vitest'
import { policyOf } from '../iam/iam-under-test.ts'
import { CLUSTER, ecsUnderTest } from './ecs-under-test.ts'

const CANARY = 'canary-7f3a-of-the-secret'

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Service: 'ecs-tasks.amazonaws.com' },
      Action: 'sts:AssumeRole',
    },
  ],
})

describe("A container's secrets", () => {
  const world = ecsUnderTest()
  let secrets: SecretsManager
  let arn: string
  let role: string

  beforeAll(async () => {
    secrets = new SecretsManager(world.client())
    const made = await secrets.createSecret({
      Name: 'shop/db',
      SecretString: JSON.stringify({ password: CANARY, port: 5432 }),
    })
    arn = made.ARN!
    const policy = policyOf({ Action: 'secretsmanager:GetSecretValue', Resource: arn })
    role = await world.roleWith('execution', TRUST, policy)
  })

  const define = async (family: string, valueFrom: string, executionRoleArn = role) =>
    await world.define(
      family,
      {
        image: 'local',
        command: ['/bin/sh', '-c', 'printf "%s" "$SECRET" | md5sum; exec sleep 1000'],
        secrets: [{ name: 'SECRET', valueFrom }],
      },
      { executionRoleArn },
    )
  const hashOf = async (family: string) => {
    const task = await world.untilTask(await world.run(family), 'RUNNING')
    await expect.poll(() => world.output(task.taskArn!)).toMatch(/^[0-9a-f]{32} /)
    return { task, hash: world.output(task.taskArn!).slice(0, 32) }
  }
  const failureOf = async (family: string) => {
    const task = await world.untilTask(await world.run(family), 'STOPPED')
    expect(task).toMatchObject({ stopCode: 'TaskFailedToStart' })
    expect(world.output(task.taskArn!)).toBe('')
    return task.stoppedReason!
  }

  test('are in the environment of its process, whole or by a key, and nowhere else', async () => {
    await define('whole', arn)
    await define('by-key', `${arn}:password::`)
    await define('number', `${arn}:port:AWSCURRENT:`)
    const { task, hash } = await hashOf('by-key')
    expect(hash).toBe(md5(CANARY))
    expect((await hashOf('number')).hash).toBe(md5('5432'))
    expect((await hashOf('whole')).hash).toBe(md5(JSON.stringify({ password: CANARY, port: 5432 })))
    const told = await world.ecs().describeTasks({ cluster: CLUSTER, tasks: [task.taskArn!] })
    const defined = await world.ecs().describeTaskDefinition({ taskDefinition: 'by-key' })
    expect(JSON.stringify([told, defined])).not.toContain(CANARY)
    const [pid] = world.processes(task.taskArn!)
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).not.toContain(CANARY)
    expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).toContain(CANARY)
    for (const file of filesIn(world.folder())) {
      expect(readFileSync(file, 'latin1').includes(CANARY), file).toBe(false)
    }
    expect(JSON.stringify(world.errors)).not.toContain(CANARY)
  })

  test('are read when a task starts, and not again', async () => {
    await define('kept', `${arn}:password::`)
    const before = await hashOf('kept')
    await secrets.putSecretValue({
      SecretId: arn,
      SecretString: JSON.stringify({ password: 'another' }),
    })
    const after = await hashOf('kept')
    expect([before.hash, after.hash]).toEqual([md5(CANARY), md5('another')])
    await define('previous', `${arn}:password:AWSPREVIOUS:`)
    expect((await hashOf('previous')).hash).toBe(md5(CANARY))
  })

  test('that cannot be had keep a task from starting, in the words of ECS', async () => {
    const head =
      'ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: ' +
      'unable to retrieve secret from asm: service call has been retried 1 time(s): '
    await define('keyless', `${arn}:absent::`)
    expect(await failureOf('keyless')).toBe(
      `${head}retrieved secret from Secrets Manager did not contain json key absent`,
    )
    const other = await secrets.createSecret({ Name: 'other', SecretString: 'x' })
    await define('forbidden', other.ARN!)
    expect(await failureOf('forbidden')).toMatch(
      new RegExp(
        `^${literally(head)}failed to fetch secret ${other.ARN} from secrets manager: AccessDeniedException: ` +
          'User: arn:aws:sts::000000000000:assumed-role/execution/\\w+ is not authorized to perform: ' +
          `secretsmanager:GetSecretValue on resource: ${other.ARN} `,
      ),
    )
    await define('absent', `${arn.slice(0, -6)}zzzzzz`)
    expect(await failureOf('absent')).toContain('failed to fetch secret')
    // Another region of the home, which there is not: no wrong value, and no end of waiting.
    await define('elsewhere', arn.replace('ap-southeast-1', 'us-east-1'))
    expect(await failureOf('elsewhere')).toContain('failed to fetch secret')
    const untrusting = await world.roleWith('untrusting', TRUST.replace('ecs-tasks', 'ec2'))
    await define('untrusting', arn, untrusting)
    expect(await failureOf('untrusting')).toMatch(
      /^ECS was unable to assume the role 'arn:aws:iam::000000000000:role\/untrusting' that was provided/,
    )
  })
})

describe('The role of a task', () => {
  const world = ecsUnderTest()

  const script = `
    const [{ STS }, { SecretsManager }] = await Promise.all([
      import(process.env.ROOT + '/node_modules/@aws-sdk/client-sts/dist-cjs/index.js'),
      import(process.env.ROOT + '/node_modules/@aws-sdk/client-secrets-manager/dist-cjs/index.js'),
    ])
    const code = (call) => call.then(() => 'allowed', (error) => error.name)
    const secrets = new SecretsManager({})
    const { Arn } = await new STS({}).getCallerIdentity({})
    const [list, make] = [await code(secrets.listSecrets({})), await code(secrets.createSecret({ Name: 'x' }))]
    const uri = process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI
    const without = (await fetch(uri)).status
    const wrong = (await fetch(uri, { headers: { authorization: 'x'.repeat(64) } })).status
    console.log(JSON.stringify({ Arn, list, make, without, wrong }))
  `

  test('is what its SDKs act as, and IAM decides by its policies', async () => {
    const policy = policyOf({ Action: 'secretsmanager:ListSecrets' })
    const taskRoleArn = await world.roleWith('worker', TRUST, policy)
    const root = join(import.meta.dirname, '../../..')
    await world.images({
      sdk: {
        entryPoint: [process.execPath, '--input-type=module', '-e', script],
        environment: { ROOT: root, NODE_NO_WARNINGS: '1' },
        asOwner: true,
      },
    })
    await world.define('worker', { image: 'sdk' }, { taskRoleArn })
    const task = await world.untilTask(await world.run('worker'), 'STOPPED')
    const id = task.taskArn!.slice(task.taskArn!.lastIndexOf('/') + 1)
    expect(JSON.parse(world.output(task.taskArn!))).toEqual({
      Arn: `arn:aws:sts::000000000000:assumed-role/worker/${id}`,
      list: 'allowed',
      make: 'AccessDeniedException',
      without: 401,
      wrong: 401,
    })
  })
})

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex')
}

function literally(text: string): string {
  return text.replace(/[()]/g, '\\$&')
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}
