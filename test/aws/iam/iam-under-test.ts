import { IAM } from '@aws-sdk/client-iam'
import { STS } from '@aws-sdk/client-sts'
import { beforeAll } from 'vitest'
import { regionUnderTest } from '../region-under-test.ts'

export const ACCOUNT = '000000000000'

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

type Statement = Readonly<Record<string, unknown>>

/** A policy of these statements; each allows all resources unless it says otherwise. */
export function policyOf(...statements: Statement[]): string {
  const Statement = statements.map((one) => ({ Effect: 'Allow', Resource: '*', ...one }))
  return JSON.stringify({ Version: '2012-10-17', Statement })
}

/** A trust policy that lets a principal of AWS assume the role. */
export function trustOf(principal: string, more: Statement = {}): string {
  const statement = { Effect: 'Allow', Principal: { AWS: principal }, Action: 'sts:AssumeRole' }
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement, ...more }] })
}

/** A region with an IAM client of its root user, for a test file. */
export function iamUnderTest(options: Parameters<typeof regionUnderTest>[0] = {}) {
  const region = regionUnderTest(options)
  let iam: IAM
  const connect = () => {
    iam = new IAM(region.client())
  }
  beforeAll(connect)

  /** What a client of another caller needs. */
  const as = (credentials: Keys) => ({ ...region.client(), credentials })

  return {
    ...region,
    iam: () => iam,
    as,
    restart: async () => {
      await region.restart()
      connect()
    },
    /** A user with one inline policy and a key. */
    userWith: async (UserName: string, policy?: string): Promise<Keys> => {
      await iam.createUser({ UserName })
      if (policy !== undefined) {
        await iam.putUserPolicy({ UserName, PolicyName: 'test', PolicyDocument: policy })
      }
      const { AccessKey } = await iam.createAccessKey({ UserName })
      const { AccessKeyId = '', SecretAccessKey = '' } = AccessKey ?? {}
      return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }
    },
    /** A role with one inline policy; its ARN. */
    roleWith: async (RoleName: string, trust: string, policy?: string): Promise<string> => {
      const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument: trust })
      if (policy !== undefined) {
        await iam.putRolePolicy({ RoleName, PolicyName: 'test', PolicyDocument: policy })
      }
      return Role?.Arn ?? ''
    },
    assume: async (
      keys: Keys,
      RoleArn: string,
      more: Partial<Parameters<STS['assumeRole']>[0]> = {},
    ): Promise<Keys> => {
      const { Credentials } = await new STS(as(keys)).assumeRole({
        RoleArn,
        RoleSessionName: 'session',
        ...more,
      })
      const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {}
      return {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        sessionToken: SessionToken,
      }
    },
  }
}
