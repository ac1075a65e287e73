import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IAM } from '@aws-sdk/client-iam'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { STS } from '@aws-sdk/client-sts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findProcess } from '../../../src/postgres/process-identity.ts'
import { gone } from '../../../src/region/home-child.ts'
import { RegionHome, type StartedRegions } from '../../../src/region/region-home.ts'
import { refusal } from '../region-under-test.ts'
import { type Keys, policyOf } from './iam-under-test.ts'

const [NEAR, FAR] = ['ap-southeast-1', 'us-west-2'] as const
const ROUNDS = Number(process.env.LIFEBOAT_KILLS ?? 4)

describe('the regions of a home', () => {
  let folder: string
  let home: RegionHome
  let started: StartedRegions
  let root: Keys

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-iam-'))
    await chmod(folder, 0o711)
    home = new RegionHome(folder)
    started = await home.start([NEAR, FAR], { port: 0 })
    const environment = await home.environment()
    root = {
      accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
    }
  })
  afterAll(async () => {
    await started?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const client = (region: string, credentials = root) => ({
    region,
    endpoint: started.endpoint,
    credentials,
    maxAttempts: 1,
  })
  const keyOf = async (iam: IAM, UserName: string): Promise<Keys> => {
    const { AccessKey } = await iam.createAccessKey({ UserName })
    const { AccessKeyId = '', SecretAccessKey = '' } = AccessKey ?? {}
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }
  }
  /** Resolves when the leader of the process group is gone. */
  const kill = async (name: string) => {
    const { regions, global } = await home.status()
    const { pid } = [global, ...regions].find((one) => one.name === name) ?? {}
    if (pid === undefined) throw new Error(`'${name}' does not run`)
    const victim = findProcess(pid)!
    process.kill(-pid, 'SIGKILL')
    expect(await gone(victim, 5000)).toBe(true)
  }
  const unreachable = async (call: Promise<unknown>) =>
    expect(await refusal(call)).toMatch(/^(Error|TimeoutError)$/)

  test('know the same users, whichever region a client signs for', async () => {
    const iam = new IAM(client('us-east-1'))
    await iam.createUser({ UserName: 'everywhere' })
    const keys = await keyOf(iam, 'everywhere')
    for (const region of [NEAR, FAR]) {
      const { Arn } = await new STS(client(region, keys)).getCallerIdentity({})
      expect(Arn).toContain('user/everywhere')
      expect(await refusal(new IAM(client(region, keys)).listUsers({}))).toBe('AccessDenied')
    }
    const PolicyDocument = policyOf({ Action: 'iam:List*' })
    const about = { UserName: 'everywhere', PolicyName: 'list' }
    await new IAM(client(FAR)).putUserPolicy({ ...about, PolicyDocument })
    for (const region of [NEAR, FAR]) {
      expect((await new IAM(client(region, keys)).listUsers({})).Users).toHaveLength(1)
    }
    await new IAM(client(NEAR)).deleteUserPolicy(about)
    expect(await refusal(new IAM(client(FAR, keys)).listUsers({}))).toBe('AccessDenied')
    // Other services are those of one region; STS has a global endpoint besides.
    const sts = new STS(client('eu-central-1', keys))
    expect(await refusal(sts.getCallerIdentity({}))).toBe('SignatureDoesNotMatch')
    const { Arn } = await new STS(client('us-east-1', keys)).getCallerIdentity({})
    expect(Arn).toContain('user/everywhere')
  })

  test('make a name once, when both are asked at the same moment', async () => {
    const [near, far] = [new IAM(client(NEAR)), new IAM(client(FAR))]
    for (let round = 0; round < 10; round += 1) {
      const UserName = `race-${round}`
      const made = await Promise.allSettled([
        near.createUser({ UserName }),
        far.createUser({ UserName }),
      ])
      expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    }
  })

  test('decide by it while nobody answers the API of IAM', async () => {
    const iam = new IAM(client(NEAR))
    await iam.createUser({ UserName: 'worker' })
    const keys = await keyOf(iam, 'worker')
    const PolicyDocument = policyOf({ Action: 'secretsmanager:ListSecrets' })
    await iam.putUserPolicy({ UserName: 'worker', PolicyName: 'list', PolicyDocument })
    await kill('global')

    await unreachable(new IAM(client(NEAR)).createUser({ UserName: 'late' }))
    await unreachable(new STS(client('us-east-1', keys)).getCallerIdentity({}))
    for (const region of [NEAR, FAR]) {
      const secrets = new SecretsManager(client(region, keys))
      expect((await secrets.listSecrets({})).SecretList).toEqual([])
      const Name = 'not-allowed'
      expect(await refusal(secrets.createSecret({ Name }))).toBe('AccessDeniedException')
      const { Arn } = await new STS(client(region, keys)).getCallerIdentity({})
      expect(Arn).toContain('user/worker')
    }
    await home.start(['global'])
    expect(await refusal(new IAM(client(NEAR)).getUser({ UserName: 'late' }))).toBe(
      'NoSuchEntityException',
    )
    await new IAM(client(NEAR)).createUser({ UserName: 'late' })
  })

  test('keep what was acknowledged, whichever process is killed, and the others go on', async () => {
    const acknowledged: string[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      const iam = new IAM(client(NEAR))
      const killed = ['global', NEAR][round % 2]!
      let killing: Promise<void> | undefined
      const write = async () => {
        for (let n = 0; n < 60; n += 1) {
          const UserName = `killed-${round}-${n}`
          await iam.createUser({ UserName })
          acknowledged.push(UserName)
          if (n === 5 + round) killing = kill(killed)
        }
      }
      const end = await write().then(
        () => 'went on',
        (error: unknown) => {
          if (!(error instanceof Error)) throw error
          return 'was cut off'
        },
      )
      await killing
      expect(end).toBe(killed === 'global' ? 'was cut off' : 'went on')
      await new STS(client(FAR)).getCallerIdentity({})
      await home.start()
    }
    const Users = (await new IAM(client(FAR)).listUsers({ MaxItems: 1000 })).Users ?? []
    const names = Users.map(({ UserName }) => UserName)
    expect(names).toEqual(expect.arrayContaining(acknowledged))
    expect(acknowledged.length).toBeGreaterThan(5 * ROUNDS)
  })

  test('keep no secret in clear', async () => {
    const iam = new IAM(client(NEAR))
    await iam.createUser({ UserName: 'sealed' })
    const { secretAccessKey } = await keyOf(iam, 'sealed')
    for (const name of await readdir(join(folder, 'iam'))) {
      const text = await readFile(join(folder, 'iam', name), 'latin1')
      expect(text).not.toContain(secretAccessKey)
      expect(text).not.toContain(Buffer.from(secretAccessKey).toString('base64').slice(0, 24))
    }
  })
})
