import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { bytes, kmsUnderTest } from './kms-under-test.ts'

const DAY_MS = 24 * 3_600_000

describe('a key', () => {
  const region = kmsUnderTest()
  const encrypted = async (KeyId: string) =>
    (await region.kms().encrypt({ KeyId, Plaintext: bytes('x') })).CiphertextBlob
  const stateOf = async (KeyId: string) =>
    (await region.kms().describeKey({ KeyId })).KeyMetadata?.KeyState

  test('that is disabled is used by nobody until it is enabled again', async () => {
    const KeyId = await region.key()
    const CiphertextBlob = await encrypted(KeyId)
    await region.kms().disableKey({ KeyId })
    expect(await stateOf(KeyId)).toBe('Disabled')
    const other = await region.key()
    for (const use of [
      () => region.kms().decrypt({ CiphertextBlob }),
      () => region.kms().encrypt({ KeyId, Plaintext: bytes('x') }),
      () => region.kms().generateDataKey({ KeyId, KeySpec: 'AES_256' }),
      () => region.kms().reEncrypt({ CiphertextBlob, DestinationKeyId: other }),
    ]) {
      expect(await refusal(use())).toBe('DisabledException')
    }
    await region.kms().enableKey({ KeyId })
    expect((await region.kms().decrypt({ CiphertextBlob })).Plaintext).toEqual(bytes('x'))
  })

  test('whose deletion is scheduled is not used, and is disabled when that is cancelled', async () => {
    const KeyId = await region.key()
    const CiphertextBlob = await encrypted(KeyId)
    const scheduled = await region.kms().scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 })
    expect(scheduled).toMatchObject({ KeyState: 'PendingDeletion', PendingWindowInDays: 7 })
    expect(await refusal(region.kms().decrypt({ CiphertextBlob }))).toBe('KMSInvalidStateException')
    const again = region.kms().scheduleKeyDeletion({ KeyId })
    expect(await refusal(again)).toBe('KMSInvalidStateException')
    expect(await refusal(region.kms().enableKey({ KeyId }))).toBe('KMSInvalidStateException')
    await region.kms().cancelKeyDeletion({ KeyId })
    expect(await stateOf(KeyId)).toBe('Disabled')
    const cancel = region.kms().cancelKeyDeletion({ KeyId })
    expect(await refusal(cancel)).toBe('KMSInvalidStateException')
    const soon = region.kms().scheduleKeyDeletion({ KeyId, PendingWindowInDays: 6 })
    expect(await refusal(soon)).toBe('ValidationException')
    expect(await stateOf(KeyId)).toBe('Disabled')
  })

  test('is gone when its waiting period is over, with its aliases and for good', async () => {
    const [KeyId, other] = [await region.key(), await region.key()]
    const CiphertextBlob = await encrypted(KeyId)
    const AliasName = 'alias/going'
    await region.kms().createAlias({ AliasName, TargetKeyId: KeyId })
    await region.kms().scheduleKeyDeletion({ KeyId, PendingWindowInDays: 7 })
    region.clock.forward(7 * DAY_MS + 1000)
    expect(await refusal(region.kms().describeKey({ KeyId }))).toBe('NotFoundException')
    expect(await refusal(region.kms().decrypt({ CiphertextBlob }))).toBe(
      'InvalidCiphertextException',
    )
    await region.kms().createAlias({ AliasName, TargetKeyId: other })
    await region.restart()
    const { Keys } = await region.kms().listKeys({})
    expect(Keys?.map((key) => key.KeyId)).not.toContain(KeyId)
    expect((await region.kms().describeKey({ KeyId: AliasName })).KeyMetadata?.KeyId).toBe(other)
  })
})
