import { beforeEach, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { secretsUnderTest, token } from './secrets-under-test.ts'

describe('UpdateSecretVersionStage', () => {
  const region = secretsUnderTest()
  let count = 0
  let SecretId: string
  const [one, two] = [token(1), token(2)]
  beforeEach(async () => {
    count += 1
    SecretId = `staged-${count}`
    await region
      .sdk()
      .createSecret({ Name: SecretId, SecretString: 'one', ClientRequestToken: one })
    await region.sdk().putSecretValue({ SecretId, SecretString: 'two', ClientRequestToken: two })
  })
  const move = (
    VersionStage: string,
    versions: { RemoveFromVersionId?: string; MoveToVersionId?: string },
  ) => region.sdk().updateSecretVersionStage({ SecretId, VersionStage, ...versions })

  test('moves AWSCURRENT back, and AWSPREVIOUS the other way', async () => {
    await move('AWSCURRENT', { RemoveFromVersionId: two, MoveToVersionId: one })
    expect(await region.value(SecretId)).toBe('one')
    expect(await region.value(SecretId, 'AWSPREVIOUS')).toBe('two')
  })

  test('adds a label and takes it away', async () => {
    await move('MINE', { MoveToVersionId: one })
    expect(await region.value(SecretId, 'MINE')).toBe('one')
    await move('MINE', { RemoveFromVersionId: one })
    expect(await refusal(region.value(SecretId, 'MINE'))).toBe('ResourceNotFoundException')
  })

  test('refuses to move a label without its holder, or with another, and moves nothing', async () => {
    expect(await refusal(move('AWSCURRENT', { MoveToVersionId: one }))).toBe(
      'InvalidParameterException',
    )
    const wrong = { RemoveFromVersionId: one, MoveToVersionId: one }
    expect(await refusal(move('AWSCURRENT', wrong))).toBe('InvalidParameterException')
    expect(await region.value(SecretId)).toBe('two')
  })

  test('refuses to leave a secret without AWSCURRENT', async () => {
    expect(await refusal(move('AWSCURRENT', { RemoveFromVersionId: two }))).toBe(
      'InvalidParameterException',
    )
    expect(await region.value(SecretId)).toBe('two')
  })

  test('refuses versions that are not there, and no version at all', async () => {
    expect(await refusal(move('MINE', { MoveToVersionId: token(3) }))).toBe(
      'ResourceNotFoundException',
    )
    expect(await refusal(move('MINE', {}))).toBe('InvalidParameterException')
  })

  test('refuses a twenty-first label on one version', async () => {
    for (let n = 0; n < 19; n += 1) await move(`label-${n}`, { MoveToVersionId: two })
    expect(await refusal(move('one-too-many', { MoveToVersionId: two }))).toBe(
      'LimitExceededException',
    )
  })
})
