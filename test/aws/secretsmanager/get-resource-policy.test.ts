import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { secretsUnderTest } from './secrets-under-test.ts'

describe('GetResourcePolicy', () => {
  const region = secretsUnderTest()

  test('answers that a secret has none', async () => {
    const made = await region.sdk().createSecret({ Name: 'open', SecretString: 'x' })
    const got = await region.sdk().getResourcePolicy({ SecretId: 'open' })
    expect(got).toMatchObject({ ARN: made.ARN, Name: 'open' })
    expect(got.ResourcePolicy).toBeUndefined()
  })

  test('refuses what is not there, and PutResourcePolicy, which would have no effect', async () => {
    expect(await refusal(region.sdk().getResourcePolicy({ SecretId: 'absent' }))).toBe(
      'ResourceNotFoundException',
    )
    const put = region.sdk().putResourcePolicy({ SecretId: 'open', ResourcePolicy: '{}' })
    expect(await refusal(put)).toBe('UnsupportedOperation')
  })
})
