import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { secretsUnderTest, token } from './secrets-under-test.ts'

describe('UpdateSecret', () => {
  const region = secretsUnderTest()

  test('changes the description and leaves the value', async () => {
    const made = await region.sdk().createSecret({ Name: 'worded', SecretString: 'x' })
    const updated = await region.sdk().updateSecret({ SecretId: 'worded', Description: 'new' })
    expect(updated.VersionId).toBeUndefined()
    const told = await region.sdk().describeSecret({ SecretId: 'worded' })
    expect(told.Description).toBe('new')
    expect(told.VersionIdsToStages).toEqual({ [made.VersionId!]: ['AWSCURRENT'] })
  })

  test('changes the value by a version of its own and leaves the description', async () => {
    await region.sdk().createSecret({ Name: 'valued', SecretString: 'x', Description: 'kept' })
    const updated = await region
      .sdk()
      .updateSecret({ SecretId: 'valued', SecretString: 'y', ClientRequestToken: token(1) })
    expect(updated.VersionId).toBe(token(1))
    expect(await region.value('valued')).toBe('y')
    expect(await region.value('valued', 'AWSPREVIOUS')).toBe('x')
    const { Description } = await region.sdk().describeSecret({ SecretId: 'valued' })
    expect(Description).toBe('kept')
  })

  test('refuses a token used for another value, and changes nothing', async () => {
    await region
      .sdk()
      .createSecret({ Name: 'used', SecretString: 'x', ClientRequestToken: token(2) })
    const call = region.sdk().updateSecret({
      SecretId: 'used',
      SecretString: 'y',
      Description: 'changed',
      ClientRequestToken: token(2),
    })
    expect(await refusal(call)).toBe('ResourceExistsException')
    const { Description } = await region.sdk().describeSecret({ SecretId: 'used' })
    expect(Description).toBeUndefined()
  })

  test('refuses what is absent, being deleted or beyond an embedded region', async () => {
    await region.sdk().createSecret({ Name: 'leaving', SecretString: 'x' })
    await region.sdk().deleteSecret({ SecretId: 'leaving' })
    const update = (SecretId: string, KmsKeyId?: string) =>
      refusal(
        region.sdk().updateSecret({ SecretId, Description: 'd', ...(KmsKeyId && { KmsKeyId }) }),
      )
    expect(await update('absent')).toBe('ResourceNotFoundException')
    expect(await update('leaving')).toBe('InvalidRequestException')
    expect(await update('valued', 'alias/mine')).toBe('UnsupportedOperation')
  })
})
