import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { ACCOUNT, iamUnderTest, policyOf, trustOf } from './iam-under-test.ts'

const SERVICE_TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { Service: 's3.amazonaws.com' }, Action: 'sts:AssumeRole' },
  ],
})

describe('roles', () => {
  const region = iamUnderTest()
  const iam = () => region.iam()

  test('are made, read back with encoded documents, and listed', async () => {
    const { Role } = await iam().createRole({
      RoleName: 'replication',
      Path: '/dr/',
      AssumeRolePolicyDocument: SERVICE_TRUST,
      Description: 'copies objects',
      Tags: [{ Key: 'a', Value: '1' }],
    })
    expect(Role).toMatchObject({
      Arn: `arn:aws:iam::${ACCOUNT}:role/dr/replication`,
      Path: '/dr/',
      MaxSessionDuration: 3600,
      Tags: [{ Key: 'a', Value: '1' }],
    })
    expect(Role?.RoleId).toMatch(/^AROA[A-Z2-7]{17}$/)
    expect(Role?.AssumeRolePolicyDocument).toMatch(/^%7B%22Version%22%3A%222012-10-17%22%2C/)
    expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')).toBe(SERVICE_TRUST)
    const read = await iam().getRole({ RoleName: 'replication' })
    expect(read.Role).toMatchObject({ RoleId: Role?.RoleId, Description: 'copies objects' })
    const { Roles = [] } = await iam().listRoles({ PathPrefix: '/dr/' })
    expect(Roles.map(({ RoleName }) => RoleName)).toEqual(['replication'])
    const profiles = await iam().listInstanceProfilesForRole({ RoleName: 'replication' })
    expect(profiles.InstanceProfiles).toEqual([])
  })

  test('are changed', async () => {
    await region.roleWith('changing', SERVICE_TRUST)
    const about = { RoleName: 'changing' }
    await iam().updateRole({ ...about, Description: 'new', MaxSessionDuration: 7200 })
    await iam().updateAssumeRolePolicy({ ...about, PolicyDocument: trustOf(ACCOUNT) })
    await iam().tagRole({ ...about, Tags: [{ Key: 'a', Value: '1' }] })
    await iam().tagRole({ ...about, Tags: [{ Key: 'A', Value: '2' }] })
    const { Role } = await iam().getRole(about)
    expect(Role).toMatchObject({
      Description: 'new',
      MaxSessionDuration: 7200,
      Tags: [{ Key: 'A', Value: '2' }],
    })
    expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? '')).toBe(trustOf(ACCOUNT))
    await iam().untagRole({ ...about, TagKeys: ['A'] })
    expect((await iam().listRoleTags(about)).Tags).toEqual([])
  })

  test('have inline policies, encoded when they are read', async () => {
    await region.roleWith('inline', SERVICE_TRUST)
    const about = { RoleName: 'inline', PolicyName: 'copy' }
    const document = policyOf({ Action: 's3:*', Resource: "arn:aws:s3:::it's(*)!" })
    await iam().putRolePolicy({ ...about, PolicyDocument: document })
    const read = await iam().getRolePolicy(about)
    expect(read).toMatchObject(about)
    expect(read.PolicyDocument).toContain('it%27s%28%2A%29%21')
    expect(decodeURIComponent(read.PolicyDocument ?? '')).toBe(document)
    expect((await iam().listRolePolicies({ RoleName: 'inline' })).PolicyNames).toEqual(['copy'])
    await iam().deleteRolePolicy(about)
    expect(await refusal(iam().getRolePolicy(about))).toBe('NoSuchEntityException')
  })

  test('are deleted only when nothing hangs on them', async () => {
    const RoleName = 'busy'
    await region.roleWith(RoleName, SERVICE_TRUST, policyOf({ Action: 's3:*' }))
    const PolicyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
    await iam().attachRolePolicy({ RoleName, PolicyArn })
    const attached = await iam().listAttachedRolePolicies({ RoleName })
    expect(attached.AttachedPolicies).toEqual([{ PolicyName: 'ReadOnlyAccess', PolicyArn }])

    const deletion = iam().deleteRole({ RoleName })
    await expect(deletion).rejects.toMatchObject({
      name: 'DeleteConflictException',
      message: 'Cannot delete entity, must detach all policies first.',
      $metadata: { httpStatusCode: 409 },
    })
    await iam().detachRolePolicy({ RoleName, PolicyArn })
    expect(await refusal(iam().deleteRole({ RoleName }))).toBe('DeleteConflictException')
    expect((await iam().getRole({ RoleName })).Role?.RoleName).toBe(RoleName)
    await iam().deleteRolePolicy({ RoleName, PolicyName: 'test' })
    await iam().deleteRole({ RoleName })
    await expect(iam().getRole({ RoleName })).rejects.toMatchObject({
      name: 'NoSuchEntityException',
      $metadata: { httpStatusCode: 404 },
    })
  })

  test('are refused when they are not right, and then are not there', async () => {
    await region.roleWith('taken', SERVICE_TRUST)
    const make = (RoleName: string, AssumeRolePolicyDocument = SERVICE_TRUST, more = {}) =>
      refusal(iam().createRole({ RoleName, AssumeRolePolicyDocument, ...more }))
    expect(await make('taken')).toBe('EntityAlreadyExistsException')
    expect(await make('TAKEN')).toBe('EntityAlreadyExistsException')
    expect(await make('a b')).toBe('ValidationException')
    expect(await make('path', SERVICE_TRUST, { Path: 'dr' })).toBe('ValidationException')
    expect(await make('json', '{')).toBe('MalformedPolicyDocumentException')
    expect(await make('identity', policyOf({ Action: 's3:*' }))).toBe(
      'MalformedPolicyDocumentException',
    )
    const short = { MaxSessionDuration: 60 }
    expect(await make('short', SERVICE_TRUST, short)).toBe('ValidationException')
    const boundary = { PermissionsBoundary: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }
    expect(await make('bounded', SERVICE_TRUST, boundary)).toBe('UnsupportedOperation')
    const big = policyOf({ Action: 's3:*', Resource: `arn:aws:s3:::${'x'.repeat(10_300)}` })
    const put = iam().putRolePolicy({ RoleName: 'taken', PolicyName: 'p', PolicyDocument: big })
    expect(await refusal(put)).toBe('LimitExceededException')
    const { Roles = [] } = await iam().listRoles({})
    const names = Roles.map(({ RoleName }) => RoleName)
    expect(names).toContain('taken')
    for (const name of ['a b', 'path', 'json', 'identity', 'short', 'bounded']) {
      expect(names).not.toContain(name)
    }
  })
})
