import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { beforeAll, describe, expect, test } from 'vitest'
import { refusal, regionUnderTest } from '../region-under-test.ts'

describe('GetSecretValue', () => {
  const region = regionUnderTest()
  let secrets: SecretsManagerClient
  beforeAll(() => {
    secrets = new SecretsManagerClient(region.client())
  })
  const get = (input: { SecretId: string; VersionId?: string; VersionStage?: string }) =>
    secrets.send(new GetSecretValueCommand(input))

  test('answers the current value by name, ARN and ARN without its random end', async () => {
    const SecretString = JSON.stringify({ password: 'ßecret & "quoted" 🛟' })
    const made = await secrets.send(
      new CreateSecretCommand({ Name: 'shop/database', SecretString }),
    )
    const arn = made.ARN!
    for (const SecretId of ['shop/database', arn, arn.slice(0, -7)]) {
      const got = await get({ SecretId })
      expect(got).toMatchObject({ ARN: arn, Name: 'shop/database', SecretString })
      expect(got.VersionStages).toEqual(['AWSCURRENT'])
      expect(got.VersionId).toBe(made.VersionId)
      expect(got.CreatedDate).toBeInstanceOf(Date)
    }
  })

  test('answers bytes as they were stored', async () => {
    const SecretBinary = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    await secrets.send(new CreateSecretCommand({ Name: 'bytes', SecretBinary }))
    const got = await get({ SecretId: 'bytes' })
    expect(got.SecretBinary).toEqual(SecretBinary)
    expect(got.SecretString).toBeUndefined()
  })

  test('answers a former value by its stage and by its version', async () => {
    const first = await secrets.send(new CreateSecretCommand({ Name: 'two', SecretString: 'one' }))
    await secrets.send(new PutSecretValueCommand({ SecretId: 'two', SecretString: 'two' }))
    expect((await get({ SecretId: 'two' })).SecretString).toBe('two')
    expect((await get({ SecretId: 'two', VersionStage: 'AWSPREVIOUS' })).SecretString).toBe('one')
    expect((await get({ SecretId: 'two', VersionId: first.VersionId! })).SecretString).toBe('one')
  })

  test('refuses what is not there', async () => {
    await secrets.send(new CreateSecretCommand({ Name: 'no-value' }))
    await secrets.send(new CreateSecretCommand({ Name: 'valued', SecretString: 'x' }))
    const VersionId = 'no-such-version-no-such-version-'
    expect(await refusal(get({ SecretId: 'absent' }))).toBe('ResourceNotFoundException')
    expect(await refusal(get({ SecretId: 'no-value' }))).toBe('ResourceNotFoundException')
    expect(await refusal(get({ SecretId: 'valued', VersionId }))).toBe('ResourceNotFoundException')
    expect(await refusal(get({ SecretId: 'valued', VersionStage: 'MINE' }))).toBe(
      'ResourceNotFoundException',
    )
    const arn = 'arn:aws:secretsmanager:ap-southeast-1:000000000000:secret:valued-000000'
    expect(await refusal(get({ SecretId: arn }))).toBe('ResourceNotFoundException')
  })

  test('refuses a stage that is not on the version named', async () => {
    const made = await secrets.send(new CreateSecretCommand({ Name: 'stages', SecretString: 'x' }))
    const asked = { SecretId: 'stages', VersionId: made.VersionId!, VersionStage: 'AWSPREVIOUS' }
    expect(await refusal(get(asked))).toBe('InvalidRequestException')
  })

  test('refuses while a deletion is scheduled', async () => {
    await secrets.send(new CreateSecretCommand({ Name: 'leaving', SecretString: 'x' }))
    await secrets.send(new DeleteSecretCommand({ SecretId: 'leaving' }))
    expect(await refusal(get({ SecretId: 'leaving' }))).toBe('InvalidRequestException')
  })

  test('still answers after the region was closed and opened again', async () => {
    await secrets.send(new CreateSecretCommand({ Name: 'durable', SecretString: 'kept' }))
    await region.restart()
    secrets = new SecretsManagerClient(region.client())
    expect((await get({ SecretId: 'durable' })).SecretString).toBe('kept')
  })
})
