import { IAM } from '@aws-sdk/client-iam'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { ACCOUNT, iamUnderTest, policyOf } from './iam-under-test.ts'

describe('managed policies', () => {
  const region = iamUnderTest()
  const iam = () => region.iam()
  const make = async (PolicyName: string, PolicyDocument: string) =>
    (await iam().createPolicy({ PolicyName, PolicyDocument })).Policy?.Arn ?? ''

  test('decide by their default version', async () => {
    const PolicyArn = await make('lists', policyOf({ Action: 'iam:ListUsers' }))
    expect(PolicyArn).toBe(`arn:aws:iam::${ACCOUNT}:policy/lists`)
    const keys = await region.userWith('versioned')
    await iam().attachUserPolicy({ UserName: 'versioned', PolicyArn })
    const user = new IAM(region.as(keys))
    expect((await user.listUsers({})).Users).not.toEqual([])

    const PolicyDocument = policyOf({ Action: 'iam:ListRoles' })
    const { PolicyVersion } = await iam().createPolicyVersion({ PolicyArn, PolicyDocument })
    expect(PolicyVersion).toMatchObject({ VersionId: 'v2', IsDefaultVersion: false })
    expect(await refusal(user.listRoles({}))).toBe('AccessDenied')
    await iam().setDefaultPolicyVersion({ PolicyArn, VersionId: 'v2' })
    expect((await user.listRoles({})).Roles).toEqual([])
    expect(await refusal(user.listUsers({}))).toBe('AccessDenied')
    const { Policy } = await iam().getPolicy({ PolicyArn })
    expect(Policy).toMatchObject({ DefaultVersionId: 'v2', AttachmentCount: 1 })
    const read = await iam().getPolicyVersion({ PolicyArn, VersionId: 'v2' })
    expect(decodeURIComponent(read.PolicyVersion?.Document ?? '')).toBe(PolicyDocument)
    const entities = await iam().listEntitiesForPolicy({ PolicyArn })
    expect(entities.PolicyUsers?.map(({ UserName }) => UserName)).toEqual(['versioned'])

    await iam().detachUserPolicy({ UserName: 'versioned', PolicyArn })
    expect(await refusal(user.listRoles({}))).toBe('AccessDenied')
  })

  test('have five versions at most, and the default one stays', async () => {
    const document = policyOf({ Action: 's3:*' })
    const PolicyArn = await make('many', document)
    for (let version = 2; version <= 5; version += 1) {
      await iam().createPolicyVersion({ PolicyArn, PolicyDocument: document, SetAsDefault: true })
    }
    const sixth = () => iam().createPolicyVersion({ PolicyArn, PolicyDocument: document })
    expect(await refusal(sixth())).toBe('LimitExceededException')
    const drop = (VersionId: string) => iam().deletePolicyVersion({ PolicyArn, VersionId })
    expect(await refusal(drop('v5'))).toBe('DeleteConflictException')
    await drop('v2')
    expect((await sixth()).PolicyVersion?.VersionId).toBe('v6')
    const { Versions = [] } = await iam().listPolicyVersions({ PolicyArn })
    expect(Versions.map(({ VersionId }) => VersionId)).toEqual(['v6', 'v5', 'v4', 'v3', 'v1'])
  })

  test('are deleted only when nobody has them and one version is left', async () => {
    const PolicyArn = await make('kept', policyOf({ Action: 's3:*' }))
    await iam().createUser({ UserName: 'keeper' })
    await iam().attachUserPolicy({ UserName: 'keeper', PolicyArn })
    expect(await refusal(iam().deletePolicy({ PolicyArn }))).toBe('DeleteConflictException')
    await iam().detachUserPolicy({ UserName: 'keeper', PolicyArn })
    await iam().deletePolicy({ PolicyArn })
    expect(await refusal(iam().getPolicy({ PolicyArn }))).toBe('NoSuchEntityException')
    const attach = iam().attachUserPolicy({ UserName: 'keeper', PolicyArn })
    expect(await refusal(attach)).toBe('NoSuchEntityException')
  })

  test('have tags', async () => {
    const PolicyArn = await make('tagged', policyOf({ Action: 's3:*' }))
    await iam().tagPolicy({ PolicyArn, Tags: [{ Key: 'a', Value: '1' }] })
    expect((await iam().getPolicy({ PolicyArn })).Policy?.Tags).toEqual([{ Key: 'a', Value: '1' }])
    await iam().untagPolicy({ PolicyArn, TagKeys: ['a'] })
    expect((await iam().listPolicyTags({ PolicyArn })).Tags).toEqual([])
  })

  test('of AWS are there and cannot be changed', async () => {
    const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess'
    const { PolicyVersion } = await iam().getPolicyVersion({ PolicyArn, VersionId: 'v1' })
    expect(JSON.parse(decodeURIComponent(PolicyVersion?.Document ?? ''))).toEqual({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
    })
    expect(await refusal(iam().deletePolicy({ PolicyArn }))).toBe('AccessDenied')
    const { Policies = [] } = await iam().listPolicies({ Scope: 'AWS' })
    expect(Policies.map(({ PolicyName }) => PolicyName)).toContain('ReadOnlyAccess')
  })

  test('are refused when they are not right', async () => {
    await make('there', policyOf({ Action: 's3:*' }))
    const refused = (PolicyName: string, PolicyDocument: string) =>
      refusal(iam().createPolicy({ PolicyName, PolicyDocument }))
    expect(await refused('There', policyOf({ Action: 's3:*' }))).toBe(
      'EntityAlreadyExistsException',
    )
    for (const document of ['', '[]', '{"Statement":[]}', policyOf({ Action: 'GetObject' })]) {
      expect(await refused('bad', document)).toBe('MalformedPolicyDocumentException')
    }
    const { Policies = [] } = await iam().listPolicies({ Scope: 'Local' })
    expect(Policies.map(({ PolicyName }) => PolicyName)).not.toContain('bad')
  })
})
