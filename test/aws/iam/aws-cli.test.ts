import { describe, expect, test } from 'vitest'
import { outputOf, runs } from '../clients/program.ts'
import { CREDENTIALS, REGION } from '../region-under-test.ts'
import { ACCOUNT, iamUnderTest, type Keys, policyOf, trustOf } from './iam-under-test.ts'

const hasCli = runs('aws', ['--version'])

describe.skipIf(!hasCli)(`the plain aws CLI${hasCli ? '' : ' (skipped: needs aws CLI)'}`, () => {
  const region = iamUnderTest()
  const as =
    (keys: Keys) =>
    async (...args: string[]) => {
      const output = await outputOf('aws', [...args, '--output', 'json'], {
        AWS_ENDPOINT_URL: region.endpoint(),
        AWS_ACCESS_KEY_ID: keys.accessKeyId,
        AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
        ...(keys.sessionToken ? { AWS_SESSION_TOKEN: keys.sessionToken } : {}),
        AWS_DEFAULT_REGION: REGION,
        AWS_EC2_METADATA_DISABLED: 'true',
      })
      return output === '' ? undefined : JSON.parse(output)
    }

  test('makes a user who may assume a role that may read one secret', async () => {
    const aws = as(CREDENTIALS)
    await aws('iam', 'create-user', '--user-name', 'cli')
    const made = await aws('iam', 'create-access-key', '--user-name', 'cli')
    const { AccessKeyId, SecretAccessKey } = made.AccessKey
    const user = as({ accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey })
    expect(await user('sts', 'get-caller-identity')).toMatchObject({
      Arn: `arn:aws:iam::${ACCOUNT}:user/cli`,
    })
    const trust = trustOf(`arn:aws:iam::${ACCOUNT}:user/cli`)
    const { Role } = await aws(
      ...['iam', 'create-role', '--role-name', 'reader'],
      ...['--assume-role-policy-document', trust],
    )
    // The CLI decodes the document: it must have been encoded as AWS does.
    expect(Role.AssumeRolePolicyDocument).toEqual(JSON.parse(trust))
    const document = policyOf({ Action: 'secretsmanager:GetSecretValue' })
    await aws(
      ...['iam', 'put-role-policy', '--role-name', 'reader', '--policy-name', 'read'],
      ...['--policy-document', document],
    )
    const read = await aws(
      ...['iam', 'get-role-policy', '--role-name', 'reader', '--policy-name', 'read'],
    )
    expect(read.PolicyDocument).toEqual(JSON.parse(document))

    await aws('secretsmanager', 'create-secret', '--name', 'cli', '--secret-string', 'hidden')
    const get = ['secretsmanager', 'get-secret-value', '--secret-id', 'cli']
    await expect(user(...get)).rejects.toThrow('(AccessDeniedException)')
    const { Credentials } = await user(
      ...['sts', 'assume-role', '--role-arn', Role.Arn, '--role-session-name', 'cli'],
    )
    const session = as({
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      sessionToken: Credentials.SessionToken,
    })
    expect(await session(...get)).toMatchObject({ SecretString: 'hidden' })
    await expect(session('iam', 'list-users')).rejects.toThrow(
      '(AccessDenied) when calling the ListUsers operation: User: ' +
        `arn:aws:sts::${ACCOUNT}:assumed-role/reader/cli is not authorized to perform: iam:ListUsers`,
    )
  })

  test('prints refusals as those of AWS', async () => {
    const aws = as(CREDENTIALS)
    await expect(aws('iam', 'get-role', '--role-name', 'absent')).rejects.toThrow(
      'An error occurred (NoSuchEntity) when calling the GetRole operation: ' +
        'The role with name absent cannot be found.',
    )
    const malformed = aws(
      ...['iam', 'create-policy', '--policy-name', 'bad', '--policy-document', '{}'],
    )
    await expect(malformed).rejects.toThrow('(MalformedPolicyDocument)')
  })
})
