import { describe, expect, test } from 'vitest'
import { CREDENTIALS, REGION, regionUnderTest } from '../region-under-test.ts'
import { outputOf, runs } from './program.ts'

const hasCli = runs('aws', ['--version'])

describe.skipIf(!hasCli)(`the plain aws CLI${hasCli ? '' : ' (skipped: needs aws CLI)'}`, () => {
  const region = regionUnderTest()
  const aws = async (...args: string[]) => {
    const output = await outputOf('aws', [...args, '--output', 'json'], {
      AWS_ENDPOINT_URL: region.endpoint(),
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_DEFAULT_REGION: REGION,
      AWS_EC2_METADATA_DISABLED: 'true',
    })
    return output === '' ? undefined : JSON.parse(output)
  }

  test('asks who it is', async () => {
    expect(await aws('sts', 'get-caller-identity')).toMatchObject({ Account: '000000000000' })
  })

  test('keeps a secret', async () => {
    const SecretString = '{"password": "pä$$ word"}'
    const made = await aws(
      ...['secretsmanager', 'create-secret', '--name', 'cli/secret'],
      ...['--secret-string', SecretString, '--tags', 'Key=a,Value=1'],
    )
    const got = await aws('secretsmanager', 'get-secret-value', '--secret-id', made.ARN)
    expect(got).toMatchObject({ Name: 'cli/secret', SecretString, VersionStages: ['AWSCURRENT'] })
    const told = await aws('secretsmanager', 'describe-secret', '--secret-id', 'cli/secret')
    expect(told.Tags).toEqual([{ Key: 'a', Value: '1' }])
    await aws('secretsmanager', 'delete-secret', '--secret-id', 'cli/secret')
    const listed = await aws('secretsmanager', 'list-secrets')
    expect(listed.SecretList).toEqual([])
  })

  test('prints errors as those of AWS', async () => {
    const ask = aws('secretsmanager', 'get-secret-value', '--secret-id', 'absent')
    await expect(ask).rejects.toThrow(
      'An error occurred (ResourceNotFoundException) when calling the GetSecretValue operation: ' +
        "Secrets Manager can't find the specified secret.",
    )
    await expect(aws('sts', 'get-session-token')).rejects.toThrow('(UnsupportedOperation)')
  })
})
