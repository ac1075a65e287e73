import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { secretsUnderTest } from './secrets-under-test.ts'

describe('UntagResource', () => {
  const region = secretsUnderTest()

  test('takes tags away by key, leaves the others, and ignores keys that are not there', async () => {
    const Tags = ['a', 'b'].map((Key) => ({ Key, Value: '1' }))
    await region.sdk().createSecret({ Name: 'tagged', SecretString: 'x', Tags })
    await region.sdk().untagResource({ SecretId: 'tagged', TagKeys: ['a', 'not-there'] })
    const told = await region.sdk().describeSecret({ SecretId: 'tagged' })
    expect(told.Tags).toEqual([{ Key: 'b', Value: '1' }])
    expect(await region.value('tagged')).toBe('x')
  })

  test('refuses a secret that is not there or being deleted', async () => {
    await region.sdk().createSecret({ Name: 'leaving', SecretString: 'x' })
    await region.sdk().deleteSecret({ SecretId: 'leaving' })
    const untag = (SecretId: string) =>
      refusal(region.sdk().untagResource({ SecretId, TagKeys: ['a'] }))
    expect(await untag('absent')).toBe('ResourceNotFoundException')
    expect(await untag('leaving')).toBe('InvalidRequestException')
  })
})
