import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { secretsUnderTest, token } from './secrets-under-test.ts'

describe('PutSecretValue', () => {
  const region = secretsUnderTest()

  test('makes a current version; the former one becomes the previous', async () => {
    const first = await region.sdk().createSecret({ Name: 'rotated', SecretString: 'one' })
    const second = await region.sdk().putSecretValue({ SecretId: 'rotated', SecretString: 'two' })
    expect(second.VersionStages).toEqual(['AWSCURRENT'])
    await region.sdk().putSecretValue({ SecretId: 'rotated', SecretString: 'three' })
    expect(await region.value('rotated')).toBe('three')
    expect(await region.value('rotated', 'AWSPREVIOUS')).toBe('two')
    const { VersionIdsToStages } = await region.sdk().describeSecret({ SecretId: 'rotated' })
    expect(Object.keys(VersionIdsToStages!)).not.toContain(first.VersionId)
  })

  test('makes the first version current whatever its labels', async () => {
    await region.sdk().createSecret({ Name: 'bare' })
    const put = await region
      .sdk()
      .putSecretValue({ SecretId: 'bare', SecretString: 'x', VersionStages: ['AWSPENDING'] })
    expect([...put.VersionStages!].sort()).toEqual(['AWSCURRENT', 'AWSPENDING'])
  })

  test('with other labels leaves the current version alone', async () => {
    await region.sdk().createSecret({ Name: 'pending', SecretString: 'now' })
    await region
      .sdk()
      .putSecretValue({ SecretId: 'pending', SecretString: 'next', VersionStages: ['AWSPENDING'] })
    expect(await region.value('pending')).toBe('now')
    expect(await region.value('pending', 'AWSPENDING')).toBe('next')
    expect(await refusal(region.value('pending', 'AWSPREVIOUS'))).toBe('ResourceNotFoundException')
  })

  test('makes one version of a request that is sent twice', async () => {
    await region.sdk().createSecret({ Name: 'twice', SecretString: 'zero' })
    const input = { SecretId: 'twice', SecretString: 'one', ClientRequestToken: token(1) }
    await region.sdk().putSecretValue(input)
    await region.sdk().putSecretValue({ SecretId: 'twice', SecretString: 'two' })
    const repeated = await region.sdk().putSecretValue(input)
    expect(repeated.VersionStages).toEqual(['AWSPREVIOUS'])
    expect(await region.value('twice')).toBe('two')
  })

  test('refuses a token that has been used for another value', async () => {
    await region
      .sdk()
      .createSecret({ Name: 'used', SecretString: 'x', ClientRequestToken: token(1) })
    const call = { SecretId: 'used', SecretString: 'y', ClientRequestToken: token(1) }
    expect(await refusal(region.sdk().putSecretValue(call))).toBe('ResourceExistsException')
    expect(await region.value('used')).toBe('x')
  })

  test('loses none of many that come at once', async () => {
    await region.sdk().createSecret({ Name: 'busy', SecretString: 'x' })
    const puts = Array.from({ length: 10 }, (_, n) =>
      region.sdk().putSecretValue({ SecretId: 'busy', SecretString: `${n}` }),
    )
    await Promise.all(puts)
    const listed = await region
      .sdk()
      .listSecretVersionIds({ SecretId: 'busy', IncludeDeprecated: true })
    expect(listed.Versions).toHaveLength(11)
    const current = listed.Versions!.filter((v) => v.VersionStages?.includes('AWSCURRENT'))
    expect(current).toHaveLength(1)
  })

  test('refuses no value, two values, no secret and a secret that is being deleted', async () => {
    await region.sdk().createSecret({ Name: 'leaving', SecretString: 'x' })
    await region.sdk().deleteSecret({ SecretId: 'leaving' })
    const put = (input: { SecretId: string; SecretString?: string; SecretBinary?: Uint8Array }) =>
      refusal(region.sdk().putSecretValue(input))
    expect(await put({ SecretId: 'busy' })).toBe('InvalidParameterException')
    expect(
      await put({ SecretId: 'busy', SecretString: 'a', SecretBinary: new Uint8Array([1]) }),
    ).toBe('InvalidParameterException')
    expect(await put({ SecretId: 'absent', SecretString: 'a' })).toBe('ResourceNotFoundException')
    expect(await put({ SecretId: 'leaving', SecretString: 'a' })).toBe('InvalidRequestException')
  })
})
