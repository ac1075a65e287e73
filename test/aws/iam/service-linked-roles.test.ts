import { STS } from '@aws-sdk/client-sts'
import { beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { ACCOUNT, iamUnderTest, policyOf, trustOf } from './iam-under-test.ts'

const NAME = 'AWSServiceRoleForRDS'
const ARN = `arn:aws:iam::${ACCOUNT}:role/aws-service-role/rds.amazonaws.com/${NAME}`

describe('a role that is linked to a service', () => {
  const region = iamUnderTest()
  const trust = trustOf(`arn:aws:iam::${ACCOUNT}:user/thief`)

  beforeAll(async () => {
    const { Role } = await region.iam().createServiceLinkedRole({
      AWSServiceName: 'rds.amazonaws.com',
    })
    expect(Role).toMatchObject({ RoleName: NAME, Arn: ARN })
  })

  test('is made once, and for services that have one', async () => {
    const again = region.iam().createServiceLinkedRole({ AWSServiceName: 'rds.amazonaws.com' })
    await expect(again).rejects.toMatchObject({ name: 'InvalidInputException' })
    const absent = region.iam().createServiceLinkedRole({ AWSServiceName: 'lex.amazonaws.com' })
    await expect(absent).rejects.toMatchObject({ name: 'InvalidInputException' })
  })

  test('is changed and deleted by nobody', async () => {
    const RoleName = NAME
    const PolicyDocument = policyOf({ Action: '*' })
    const attempts = [
      () => region.iam().updateAssumeRolePolicy({ RoleName, PolicyDocument: trust }),
      () => region.iam().putRolePolicy({ RoleName, PolicyName: 'more', PolicyDocument }),
      () =>
        region.iam().attachRolePolicy({
          RoleName,
          PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess',
        }),
      () => region.iam().updateRole({ RoleName, MaxSessionDuration: 43_200 }),
      () => region.iam().deleteRole({ RoleName }),
    ]
    for (const attempt of attempts) {
      expect(await refusal(attempt())).toBe('UnmodifiableEntityException')
    }
    const { Role } = await region.iam().getRole({ RoleName })
    expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')).not.toContain('thief')
    expect((await region.iam().listRolePolicies({ RoleName })).PolicyNames).toEqual([])
  })

  test('is assumed by nobody, whatever they may do', async () => {
    const thief = await region.userWith('thief', policyOf({ Action: '*' }))
    const assume = new STS(region.as(thief)).assumeRole({ RoleArn: ARN, RoleSessionName: 'theft' })
    expect(await refusal(assume)).toBe('AccessDenied')
  })

  test('has no double', async () => {
    for (const [RoleName, Path] of [
      ['AWSServiceRoleForSecretsManager', '/'],
      ['mine', '/aws-service-role/rds.amazonaws.com/'],
    ] as const) {
      const double = region.iam().createRole({ RoleName, Path, AssumeRolePolicyDocument: trust })
      expect(await refusal(double)).toBe('ValidationException')
      expect(await refusal(region.iam().getRole({ RoleName }))).toBe('NoSuchEntityException')
    }
  })
})
