import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { refusal } from '../region-under-test.ts'
import { bytes, kmsUnderTest } from './kms-under-test.ts'

describe('Encrypt, Decrypt, GenerateDataKey and ReEncrypt', () => {
  const region = kmsUnderTest()
  const context = { tenant: 'shop', purpose: 'receipts' }

  test('give back what was encrypted, with its context in any order, after a restart', async () => {
    const KeyId = await region.key()
    const Plaintext = bytes('4111 1111 1111 1111')
    const encrypt = () => region.kms().encrypt({ KeyId, Plaintext, EncryptionContext: context })
    const [{ CiphertextBlob }, second] = [await encrypt(), await encrypt()]
    expect(second.CiphertextBlob).not.toEqual(CiphertextBlob)
    expect(Buffer.from(CiphertextBlob!).toString('latin1')).not.toContain('4111')
    await region.restart()
    const decrypted = await region.kms().decrypt({
      CiphertextBlob,
      EncryptionContext: { purpose: 'receipts', tenant: 'shop' },
    })
    expect(decrypted.Plaintext).toEqual(Plaintext)
    expect(decrypted.KeyId).toContain(KeyId)
  })

  test('do not decrypt without the context, with one bit changed, or with another key', async () => {
    const [KeyId, other] = [await region.key(), await region.key()]
    const Plaintext = bytes('secret')
    const { CiphertextBlob } = await region
      .kms()
      .encrypt({ KeyId, Plaintext, EncryptionContext: context })
    const decrypt = (more: Partial<Parameters<ReturnType<typeof region.kms>['decrypt']>[0]>) =>
      refusal(region.kms().decrypt({ CiphertextBlob, EncryptionContext: context, ...more }))
    for (const EncryptionContext of [{}, { tenant: 'shop' }, { ...context, tenant: 'bank' }]) {
      expect(await decrypt({ EncryptionContext })).toBe('InvalidCiphertextException')
    }
    for (let at = 0; at < CiphertextBlob!.length; at += 7) {
      const flipped = Uint8Array.from(CiphertextBlob!)
      flipped[at]! ^= 1
      expect(await decrypt({ CiphertextBlob: flipped })).toBe('InvalidCiphertextException')
    }
    expect(await decrypt({ CiphertextBlob: bytes('x') })).toBe('InvalidCiphertextException')
    expect(await decrypt({ KeyId: other })).toBe('IncorrectKeyException')
    expect(await refusal(region.kms().encrypt({ KeyId, Plaintext: new Uint8Array(4097) }))).toBe(
      'ValidationException',
    )
  })

  test('make data keys of the length that is asked for', async () => {
    const KeyId = await region.key()
    const made = await region.kms().generateDataKey({ KeyId, KeySpec: 'AES_256' })
    expect(made.Plaintext).toHaveLength(32)
    const { CiphertextBlob } = made
    const opened = await region.kms().decrypt({ CiphertextBlob })
    expect(opened.Plaintext).toEqual(made.Plaintext)
    const blind = await region.kms().generateDataKeyWithoutPlaintext({ KeyId, NumberOfBytes: 16 })
    expect(blind).not.toHaveProperty('Plaintext')
    const blob = { CiphertextBlob: blind.CiphertextBlob }
    expect((await region.kms().decrypt(blob)).Plaintext).toHaveLength(16)
    for (const asked of [{}, { NumberOfBytes: 16, KeySpec: 'AES_128' as const }]) {
      const refused = region.kms().generateDataKey({ KeyId, ...asked })
      expect(await refusal(refused)).toBe('ValidationException')
    }
  })

  test('put what was encrypted under another key and context', async () => {
    const [KeyId, other] = [await region.key(), await region.key()]
    const { CiphertextBlob } = await region
      .kms()
      .encrypt({ KeyId, Plaintext: bytes('moved'), EncryptionContext: context })
    const moved = await region.kms().reEncrypt({
      CiphertextBlob,
      SourceEncryptionContext: context,
      DestinationKeyId: other,
    })
    expect([moved.SourceKeyId, moved.KeyId].join()).toMatch(new RegExp(`${KeyId}.*${other}`))
    await region.kms().disableKey({ KeyId })
    const opened = await region.kms().decrypt({ CiphertextBlob: moved.CiphertextBlob })
    expect(opened.Plaintext).toEqual(bytes('moved'))
  })

  test('keep no material in clear', async () => {
    const KeyId = await region.key()
    const folder = join(region.folder(), 'documents', 'kms', 'keys')
    const files = await readdir(folder)
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
    const { document } = texts.map((text) => JSON.parse(text)).find(({ key }) => key === KeyId)
    // A nonce, 44 characters of base64 that are encrypted, and a tag.
    expect(Buffer.from(document.sealedMaterial, 'base64')).toHaveLength(12 + 44 + 16)
  })
})
