import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { secretsUnderTest } from './secrets-under-test.ts'

describe('ListSecretVersionIds', () => {
  const region = secretsUnderTest()

  test('lists labelled versions, and deprecated ones when asked to', async () => {
    const first = await region.sdk().createSecret({ Name: 'many', SecretString: '1' })
    for (const SecretString of ['2', '3']) {
      await region.sdk().putSecretValue({ SecretId: 'many', SecretString })
    }
    const labelled = await region.sdk().listSecretVersionIds({ SecretId: 'many' })
    expect(labelled.Versions!.map(({ VersionStages }) => VersionStages)).toEqual([
      ['AWSPREVIOUS'],
      ['AWSCURRENT'],
    ])
    const all = await region
      .sdk()
      .listSecretVersionIds({ SecretId: 'many', IncludeDeprecated: true, MaxResults: 1 })
    expect(all.Versions).toMatchObject([{ VersionId: first.VersionId }])
    expect(all.Versions![0]!.VersionStages).toBeUndefined()
    expect(all.NextToken).toBeDefined()
  })

  test('refuses a secret that is not there', async () => {
    expect(await refusal(region.sdk().listSecretVersionIds({ SecretId: 'absent' }))).toBe(
      'ResourceNotFoundException',
    )
  })
})
