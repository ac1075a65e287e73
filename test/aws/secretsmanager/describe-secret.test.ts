import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { DAY_MS, secretsUnderTest } from './secrets-under-test.ts'

describe('DescribeSecret', () => {
  const region = secretsUnderTest()

  test('tells everything but the value', async () => {
    const Tags = [{ Key: 'team', Value: 'shop' }]
    const made = await region
      .sdk()
      .createSecret({ Name: 'told', Description: 'a key', SecretString: 'hidden-value', Tags })
    const { $metadata, ...told } = await region.sdk().describeSecret({ SecretId: made.ARN! })
    expect(told).toMatchObject({ ARN: made.ARN, Name: 'told', Description: 'a key', Tags })
    expect(told.VersionIdsToStages).toEqual({ [made.VersionId!]: ['AWSCURRENT'] })
    expect(told.CreatedDate).toBeInstanceOf(Date)
    expect(told.LastAccessedDate).toBeUndefined()
    expect(JSON.stringify(told)).not.toContain('hidden-value')
  })

  test('tells the day of the last access, after one', async () => {
    await region.sdk().createSecret({ Name: 'seen', SecretString: 'x' })
    await region.value('seen')
    const { LastAccessedDate } = await region.sdk().describeSecret({ SecretId: 'seen' })
    expect(LastAccessedDate!.getTime() % DAY_MS).toBe(0)
  })

  test('tells when a secret will be gone, while its deletion is scheduled', async () => {
    await region.sdk().createSecret({ Name: 'leaving', SecretString: 'x' })
    const { DeletionDate } = await region.sdk().deleteSecret({ SecretId: 'leaving' })
    const { DeletedDate } = await region.sdk().describeSecret({ SecretId: 'leaving' })
    expect(DeletedDate).toEqual(DeletionDate)
  })

  test('refuses a secret that is not there', async () => {
    expect(await refusal(region.sdk().describeSecret({ SecretId: 'absent' }))).toBe(
      'ResourceNotFoundException',
    )
  })

  test('refuses a request without a SecretId', async () => {
    const call = region.sdk().describeSecret({ SecretId: undefined })
    expect(await refusal(call)).toBe('ValidationException')
  })
})
