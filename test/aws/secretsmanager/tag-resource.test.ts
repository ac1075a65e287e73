import { beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { secretsUnderTest } from './secrets-under-test.ts'

describe('TagResource', () => {
  const region = secretsUnderTest()
  beforeAll(async () => {
    const Tags = [{ Key: 'a', Value: '1' }]
    await region.sdk().createSecret({ Name: 'tagged', SecretString: 'x', Tags })
  })
  const tags = async () => (await region.sdk().describeSecret({ SecretId: 'tagged' })).Tags

  test('adds tags and replaces those with the same key', async () => {
    await region.sdk().tagResource({
      SecretId: 'tagged',
      Tags: [
        { Key: 'a', Value: '2' },
        { Key: 'b', Value: '' },
      ],
    })
    expect(await tags()).toEqual([
      { Key: 'a', Value: '2' },
      { Key: 'b', Value: '' },
    ])
    expect(await region.value('tagged')).toBe('x')
  })

  test('refuses a fifty-first tag, and keeps what was there', async () => {
    const Tags = Array.from({ length: 50 }, (_, n) => ({ Key: `k${n}`, Value: 'v' }))
    expect(await refusal(region.sdk().tagResource({ SecretId: 'tagged', Tags }))).toBe(
      'InvalidParameterException',
    )
    expect(await tags()).toHaveLength(2)
  })

  test('refuses a secret that is not there', async () => {
    const SecretId = 'absent'
    expect(await refusal(region.sdk().tagResource({ SecretId, Tags: [] }))).toBe(
      'ResourceNotFoundException',
    )
  })
})
