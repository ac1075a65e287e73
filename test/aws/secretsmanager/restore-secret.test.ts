import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { secretsUnderTest } from './secrets-under-test.ts'

describe('RestoreSecret', () => {
  const region = secretsUnderTest()

  test('brings back a secret with its value and versions', async () => {
    const made = await region.sdk().createSecret({ Name: 'back', SecretString: 'one' })
    await region.sdk().putSecretValue({ SecretId: 'back', SecretString: 'two' })
    await region.sdk().deleteSecret({ SecretId: 'back' })
    const restored = await region.sdk().restoreSecret({ SecretId: 'back' })
    expect(restored.ARN).toBe(made.ARN)
    expect(await region.value('back')).toBe('two')
    expect(await region.value('back', 'AWSPREVIOUS')).toBe('one')
    const told = await region.sdk().describeSecret({ SecretId: 'back' })
    expect(told.DeletedDate).toBeUndefined()
  })

  test('refuses a secret that is not there', async () => {
    expect(await refusal(region.sdk().restoreSecret({ SecretId: 'absent' }))).toBe(
      'ResourceNotFoundException',
    )
  })
})
