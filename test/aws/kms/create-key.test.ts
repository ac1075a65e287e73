import { describe, expect, test } from 'vitest'
import { REGION, refusal } from '../region-under-test.ts'
import { kmsUnderTest } from './kms-under-test.ts'

describe('CreateKey', () => {
  const region = kmsUnderTest()

  test('makes a key that is described, listed and tagged, also after a restart', async () => {
    const { KeyMetadata } = await region.kms().createKey({
      Description: 'backups of the shop',
      Tags: [{ TagKey: 'team', TagValue: 'shop' }],
    })
    const { KeyId = '', Arn } = KeyMetadata ?? {}
    expect(Arn).toBe(`arn:aws:kms:${REGION}:000000000000:key/${KeyId}`)
    expect(KeyMetadata).toMatchObject({
      Enabled: true,
      KeyState: 'Enabled',
      KeyManager: 'CUSTOMER',
      KeySpec: 'SYMMETRIC_DEFAULT',
      MultiRegion: false,
      Description: 'backups of the shop',
    })
    await region.restart()
    const described = await region.kms().describeKey({ KeyId: Arn })
    expect(described.KeyMetadata).toEqual(KeyMetadata)
    const { Keys } = await region.kms().listKeys({})
    expect(Keys).toEqual([{ KeyId, KeyArn: Arn }])
    await region.kms().tagResource({ KeyId, Tags: [{ TagKey: 'env', TagValue: 'prod' }] })
    await region.kms().untagResource({ KeyId, TagKeys: ['team'] })
    const { Tags } = await region.kms().listResourceTags({ KeyId })
    expect(Tags).toEqual([{ TagKey: 'env', TagValue: 'prod' }])
    await region.kms().updateKeyDescription({ KeyId, Description: 'new' })
    const renamed = await region.kms().describeKey({ KeyId })
    expect(renamed.KeyMetadata?.Description).toBe('new')
    const rotation = await region.kms().getKeyRotationStatus({ KeyId })
    expect(rotation.KeyRotationEnabled).toBe(false)
  })

  test('refuses what an embedded region has not', async () => {
    const before = (await region.kms().listKeys({})).Keys?.length
    for (const asked of [
      { MultiRegion: true },
      { KeySpec: 'RSA_2048' as const },
      { KeyUsage: 'SIGN_VERIFY' as const },
      { Origin: 'EXTERNAL' as const },
      { CustomKeyStoreId: 'cks-1' },
    ]) {
      expect(await refusal(region.kms().createKey(asked))).toBe('UnsupportedOperationException')
    }
    expect((await region.kms().listKeys({})).Keys).toHaveLength(before!)
    const rotate = region.kms().enableKeyRotation({ KeyId: 'x' })
    expect(await refusal(rotate)).toBe('UnsupportedOperation')
  })

  test('refuses a policy that is none', async () => {
    for (const Policy of ['{', '{"Statement":[]}', '{"Version":"2012-10-17","Statement":{}}']) {
      const refused = region.kms().createKey({ Policy })
      expect(await refusal(refused)).toBe('MalformedPolicyDocumentException')
    }
    const tags = [{ TagKey: 'aws:x', TagValue: '' }]
    expect(await refusal(region.kms().createKey({ Tags: tags }))).toBe('TagException')
  })

  test('pages through keys', async () => {
    for (let i = 0; i < 3; i++) await region.key()
    const first = await region.kms().listKeys({ Limit: 2 })
    expect(first).toMatchObject({ Truncated: true })
    const rest = await region.kms().listKeys({ Marker: first.NextMarker })
    expect(rest).toMatchObject({ Truncated: false })
    const ids = [...(first.Keys ?? []), ...(rest.Keys ?? [])].map(({ KeyId }) => KeyId)
    expect(new Set(ids).size).toBe(ids.length)
    expect(await refusal(region.kms().listKeys({ Marker: 'x' }))).toBe('InvalidMarkerException')
  })
})
