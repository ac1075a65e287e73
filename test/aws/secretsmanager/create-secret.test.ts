import { describe, expect, test } from 'vitest'
import { REGION, refusal } from '../region-under-test.ts'
import { secretsUnderTest, token } from './secrets-under-test.ts'

describe('CreateSecret', () => {
  const region = secretsUnderTest()

  test('makes a secret whose ARN ends in six random characters', async () => {
    const made = await region.sdk().createSecret({ Name: 'a/b_+=.@-c', SecretString: 'x' })
    expect(made.Name).toBe('a/b_+=.@-c')
    expect(made.ARN).toMatch(
      /^arn:aws:secretsmanager:ap-southeast-1:000000000000:secret:a\/b_\+=\.@-c-[0-9A-Za-z]{6}$/,
    )
    expect(made.VersionId).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('makes one without a value, and then without a version', async () => {
    const made = await region.sdk().createSecret({ Name: 'empty' })
    expect(made.VersionId).toBeUndefined()
    const { VersionIdsToStages } = await region.sdk().describeSecret({ SecretId: 'empty' })
    expect(VersionIdsToStages ?? {}).toEqual({})
  })

  test('is idempotent under its token, and only for the same value', async () => {
    const input = { Name: 'once', SecretString: 'x', ClientRequestToken: token(1) }
    const first = await region.sdk().createSecret(input)
    expect(first.VersionId).toBe(token(1))
    expect((await region.sdk().createSecret(input)).ARN).toBe(first.ARN)
    expect(await refusal(region.sdk().createSecret({ ...input, SecretString: 'y' }))).toBe(
      'ResourceExistsException',
    )
    expect(await region.value('once')).toBe('x')
  })

  test('refuses a name that is taken, and leaves the value that is there', async () => {
    await region.sdk().createSecret({ Name: 'taken', SecretString: 'mine' })
    const again = region.sdk().createSecret({ Name: 'taken', SecretString: 'yours' })
    expect(await refusal(again)).toBe('ResourceExistsException')
    expect(await region.value('taken')).toBe('mine')
  })

  test('of many at once makes one', async () => {
    const tries = Array.from({ length: 8 }, (_, n) =>
      region.sdk().createSecret({ Name: 'race', SecretString: `${n}` }),
    )
    const settled = await Promise.allSettled(tries)
    const winners = settled.flatMap((made, n) => (made.status === 'fulfilled' ? [n] : []))
    expect(winners).toHaveLength(1)
    expect(await region.value('race')).toBe(`${winners[0]}`)
  })

  test('refuses a name whose deletion is scheduled', async () => {
    await region.sdk().createSecret({ Name: 'leaving', SecretString: 'x' })
    await region.sdk().deleteSecret({ SecretId: 'leaving' })
    expect(await refusal(region.sdk().createSecret({ Name: 'leaving' }))).toBe(
      'InvalidRequestException',
    )
  })

  test.each([
    ['a name with a space', { Name: 'a b' }, 'ValidationException'],
    ['an empty name', { Name: '' }, 'ValidationException'],
    ['a name too long', { Name: 'a'.repeat(513) }, 'ValidationException'],
    ['an empty value', { SecretString: '' }, 'InvalidParameterException'],
    ['a value too large', { SecretString: 'ü'.repeat(32_769) }, 'InvalidParameterException'],
    ['a short token', { ClientRequestToken: 'short' }, 'InvalidParameterException'],
    [
      'two kinds of value',
      { SecretString: 'x', SecretBinary: new Uint8Array([1]) },
      'InvalidParameterException',
    ],
    [
      'a tag twice',
      {
        Tags: [
          { Key: 'a', Value: '1' },
          { Key: 'a', Value: '2' },
        ],
      },
      'InvalidParameterException',
    ],
    ['a tag of AWS', { Tags: [{ Key: 'aws:x', Value: '1' }] }, 'InvalidParameterException'],
    [
      'a replica in its own region',
      { AddReplicaRegions: [{ Region: REGION }] },
      'InvalidParameterException',
    ],
    [
      'a replica with a key of KMS',
      { AddReplicaRegions: [{ Region: 'us-east-1', KmsKeyId: 'alias/mine' }] },
      'UnsupportedOperation',
    ],
    ['a key of KMS', { KmsKeyId: 'alias/mine' }, 'UnsupportedOperation'],
  ])('refuses %s, and makes nothing', async (what, input, code) => {
    const Name = what.replaceAll(' ', '-')
    expect(await refusal(region.sdk().createSecret({ Name, ...input }))).toBe(code)
    expect(await refusal(region.sdk().describeSecret({ SecretId: Name }))).toBe(
      'ResourceNotFoundException',
    )
  })

  test('takes a value of exactly 65,536 bytes', async () => {
    const SecretString = 'x'.repeat(65_536)
    await region.sdk().createSecret({ Name: 'large', SecretString })
    expect(await region.value('large')).toBe(SecretString)
  })
})
