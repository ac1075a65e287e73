import { describe, expect, test } from 'vitest'
import { REGION, refusal } from '../region-under-test.ts'
import { bytes, kmsUnderTest } from './kms-under-test.ts'

describe('aliases', () => {
  const region = kmsUnderTest()

  test('name a key, another one later, and none in the end', async () => {
    const [one, other] = [await region.key(), await region.key()]
    const AliasName = 'alias/shop/backups'
    await region.kms().createAlias({ AliasName, TargetKeyId: one })
    const described = await region.kms().describeKey({ KeyId: AliasName })
    expect(described.KeyMetadata?.KeyId).toBe(one)
    const again = region.kms().createAlias({ AliasName, TargetKeyId: other })
    expect(await refusal(again)).toBe('AlreadyExistsException')

    const encrypted = await region.kms().encrypt({ KeyId: AliasName, Plaintext: bytes('x') })
    await region.kms().updateAlias({ AliasName, TargetKeyId: other })
    const arn = `arn:aws:kms:${REGION}:000000000000:${AliasName}`
    const moved = await region.kms().describeKey({ KeyId: arn })
    expect(moved.KeyMetadata?.KeyId).toBe(other)
    // What was encrypted names its key and not the alias.
    const { CiphertextBlob } = encrypted
    expect((await region.kms().decrypt({ CiphertextBlob })).KeyId).toContain(one)

    const { Aliases } = await region.kms().listAliases({ KeyId: other })
    expect(Aliases).toMatchObject([{ AliasName, AliasArn: arn, TargetKeyId: other }])
    await region.kms().deleteAlias({ AliasName })
    expect(await refusal(region.kms().describeKey({ KeyId: AliasName }))).toBe('NotFoundException')
    expect(await refusal(region.kms().deleteAlias({ AliasName }))).toBe('NotFoundException')
  })

  test('are refused where they are no names of keys', async () => {
    const key = await region.key()
    await region.kms().createAlias({ AliasName: 'alias/x', TargetKeyId: key })
    for (const AliasName of ['x', 'alias/aws/mine', 'alias/a b', 'alias/']) {
      const refused = region.kms().createAlias({ AliasName, TargetKeyId: key })
      expect(await refusal(refused)).toBe('InvalidAliasNameException')
    }
    const absent = region.kms().createAlias({ AliasName: 'alias/y', TargetKeyId: 'absent' })
    expect(await refusal(absent)).toBe('NotFoundException')
    const byAlias = region.kms().disableKey({ KeyId: 'alias/x' })
    expect(await refusal(byAlias)).toBe('NotFoundException')
    expect((await region.kms().describeKey({ KeyId: key })).KeyMetadata?.Enabled).toBe(true)
  })

  test('of AWS have a key from their first use on, which only services use', async () => {
    const unmade = (await region.kms().listAliases({})).Aliases ?? []
    const names = unmade.filter(({ TargetKeyId }) => !TargetKeyId).map((alias) => alias.AliasName)
    expect(names).toEqual(['alias/aws/rds', 'alias/aws/s3', 'alias/aws/secretsmanager'])
    const made = await region.kms().describeKey({ KeyId: 'alias/aws/rds' })
    expect(made.KeyMetadata).toMatchObject({ KeyManager: 'AWS', Enabled: true })
    const again = await region.kms().describeKey({ KeyId: 'alias/aws/rds' })
    expect(again.KeyMetadata?.KeyId).toBe(made.KeyMetadata?.KeyId)
    const use = region.kms().encrypt({ KeyId: 'alias/aws/rds', Plaintext: bytes('x') })
    expect(await refusal(use)).toBe('AccessDeniedException')
    const disable = region.kms().disableKey({ KeyId: made.KeyMetadata?.KeyId })
    expect(await refusal(disable)).toBe('AccessDeniedException')
  })
})
