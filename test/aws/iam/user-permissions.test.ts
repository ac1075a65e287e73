import { IAM } from '@aws-sdk/client-iam'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { STS } from '@aws-sdk/client-sts'
import { describe, expect, test } from 'vitest'
import { REGION, refusal } from '../region-under-test.ts'
import { ACCOUNT, iamUnderTest, policyOf } from './iam-under-test.ts'

describe('the key of a user', () => {
  const region = iamUnderTest()
  const root = () => new SecretsManager(region.client())
  const secretArn = (name: string) => `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${name}`

  test('signs, and tells who the user is, without any policy', async () => {
    const keys = await region.userWith('ann')
    const { Arn, Account, UserId } = await new STS(region.as(keys)).getCallerIdentity({})
    expect({ Arn, Account }).toEqual({ Arn: `arn:aws:iam::${ACCOUNT}:user/ann`, Account: ACCOUNT })
    expect(UserId).toMatch(/^AIDA[A-Z2-7]{17}$/)
  })

  test('may do nothing without a policy, and nothing happens', async () => {
    const keys = await region.userWith('bob')
    const secrets = new SecretsManager(region.as(keys))
    const making = secrets.createSecret({ Name: 'of-bob', SecretString: 'x' })
    await expect(making).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message:
        `User: arn:aws:iam::${ACCOUNT}:user/bob is not authorized to perform: ` +
        `secretsmanager:CreateSecret on resource: ${secretArn('of-bob')} because no identity-based ` +
        'policy allows the secretsmanager:CreateSecret action',
      $metadata: { httpStatusCode: 400 },
    })
    expect((await root().listSecrets({})).SecretList).toEqual([])
    const iam = new IAM(region.as(keys))
    await expect(iam.createUser({ UserName: 'eve' })).rejects.toMatchObject({
      name: 'AccessDenied',
      $metadata: { httpStatusCode: 403 },
    })
    expect(await refusal(region.iam().getUser({ UserName: 'eve' }))).toBe('NoSuchEntityException')
  })

  test('may do exactly what the policy says', async () => {
    const policy = policyOf({
      Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
      Resource: secretArn('app/*'),
    })
    const keys = await region.userWith('reader', policy)
    await root().createSecret({ Name: 'app/db', SecretString: 'one' })
    await root().createSecret({ Name: 'payroll', SecretString: 'two' })
    const secrets = new SecretsManager(region.as(keys))

    expect((await secrets.getSecretValue({ SecretId: 'app/db' })).SecretString).toBe('one')
    const denied = [
      secrets.getSecretValue({ SecretId: 'payroll' }),
      secrets.putSecretValue({ SecretId: 'app/db', SecretString: 'changed' }),
      secrets.deleteSecret({ SecretId: 'app/db', ForceDeleteWithoutRecovery: true }),
      secrets.listSecrets({}),
    ]
    for (const call of denied) expect(await refusal(call)).toBe('AccessDeniedException')
    expect((await root().getSecretValue({ SecretId: 'app/db' })).SecretString).toBe('one')
  })

  test('is stopped by a deny, whatever allows it', async () => {
    const keys = await region.userWith('admin', policyOf({ Action: '*' }))
    await region.iam().attachUserPolicy({
      UserName: 'admin',
      PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess',
    })
    const secrets = new SecretsManager(region.as(keys))
    await secrets.createSecret({ Name: 'kept', SecretString: 'x' })
    const deny = policyOf({
      Effect: 'Deny',
      Action: 'secretsmanager:delete*',
      Resource: secretArn('kept-??????'),
    })
    await region.iam().putUserPolicy({
      UserName: 'admin',
      PolicyName: 'keep',
      PolicyDocument: deny,
    })
    const deletion = secrets.deleteSecret({ SecretId: 'kept', ForceDeleteWithoutRecovery: true })
    await expect(deletion).rejects.toThrow('with an explicit deny in an identity-based policy')
    expect((await root().describeSecret({ SecretId: 'kept' })).DeletedDate).toBeUndefined()
  })

  test('no longer signs when it is inactive, and never again when it is deleted', async () => {
    const keys = await region.userWith('temp', policyOf({ Action: '*' }))
    const about = { UserName: 'temp', AccessKeyId: keys.accessKeyId }
    const ask = () => new STS(region.as(keys)).getCallerIdentity({})
    await region.iam().updateAccessKey({ ...about, Status: 'Inactive' })
    expect(await refusal(ask())).toBe('InvalidClientTokenId')
    await region.iam().updateAccessKey({ ...about, Status: 'Active' })
    expect((await ask()).Account).toBe(ACCOUNT)
    await region.iam().deleteAccessKey(about)
    expect(await refusal(ask())).toBe('InvalidClientTokenId')
  })

  test('does not sign with a wrong secret or with a session token', async () => {
    const keys = await region.userWith('wrong', policyOf({ Action: '*' }))
    const wrong = { ...keys, secretAccessKey: `${keys.secretAccessKey}x` }
    expect(await refusal(new IAM(region.as(wrong)).listUsers({}))).toBe('SignatureDoesNotMatch')
    const token = { ...keys, sessionToken: 'made-up' }
    expect(await refusal(new IAM(region.as(token)).listUsers({}))).toBe('InvalidClientTokenId')
  })

  test('is decided by policy variables, tags and conditions', async () => {
    const policy = policyOf(
      { Action: 'iam:*AccessKey*', Resource: `arn:aws:iam::${ACCOUNT}:user/\${aws:username}` },
      {
        Action: ['secretsmanager:CreateSecret', 'secretsmanager:TagResource'],
        Condition: { StringEquals: { 'aws:RequestTag/team': 'blue' } },
      },
      {
        Action: 'secretsmanager:DescribeSecret',
        Condition: { StringEquals: { 'aws:ResourceTag/team': 'blue' } },
      },
    )
    const keys = await region.userWith('self', policy)
    await region.userWith('other')
    const iam = new IAM(region.as(keys))
    expect((await iam.listAccessKeys({})).AccessKeyMetadata).toHaveLength(1)
    const another = await refusal(iam.createAccessKey({ UserName: 'other' }))
    expect(another).toBe('AccessDenied')
    const others = await region.iam().listAccessKeys({ UserName: 'other' })
    expect(others.AccessKeyMetadata).toHaveLength(1)

    const secrets = new SecretsManager(region.as(keys))
    const make = (Name: string, Value: string) =>
      secrets.createSecret({ Name, SecretString: 'x', Tags: [{ Key: 'team', Value }] })
    await make('blue', 'blue')
    expect(await refusal(make('red', 'red'))).toBe('AccessDeniedException')
    await root().createSecret({ Name: 'red', Tags: [{ Key: 'team', Value: 'red' }] })
    expect((await secrets.describeSecret({ SecretId: 'blue' })).Name).toBe('blue')
    expect(await refusal(secrets.describeSecret({ SecretId: 'red' }))).toBe('AccessDeniedException')
  })

  test('of a user that was made again has none of the old rights', async () => {
    const old = await region.userWith('again', policyOf({ Action: 'iam:ListUsers' }))
    const iam = region.iam()
    await iam.deleteUserPolicy({ UserName: 'again', PolicyName: 'test' })
    await iam.deleteAccessKey({ UserName: 'again', AccessKeyId: old.accessKeyId })
    await iam.deleteUser({ UserName: 'again' })
    const keys = await region.userWith('again')
    expect(await refusal(new IAM(region.as(keys)).listUsers({}))).toBe('AccessDenied')
    expect(await refusal(new IAM(region.as(old)).listUsers({}))).toBe('InvalidClientTokenId')
  })
})
