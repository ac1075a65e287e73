import type { EncryptCommandInput } from '../../protocol/models/kms.ts'
import { checkAlgorithm, checkedContext, checkedPlaintext, refuseUnsupported } from '../checks.ts'
import { encrypt } from '../ciphertext.ts'
import type { Keys } from '../keys.ts'

/** Encrypt: up to 4 KiB, AES-256-GCM. Source: KMS API Reference, Encrypt. */
export async function encryptPlaintext(keys: Keys, input: EncryptCommandInput) {
  checkAlgorithm(input.EncryptionAlgorithm)
  refuseUnsupported({ DryRun: input.DryRun === true })
  const plaintext = checkedPlaintext(input.Plaintext)
  const context = checkedContext(input.EncryptionContext)
  const key = keys.getUsable(input.KeyId ?? '')
  const ciphertext = encrypt(plaintext, { id: key.id, material: keys.material(key) }, context)
  return {
    CiphertextBlob: new Uint8Array(ciphertext),
    KeyId: key.arn,
    EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' as const,
  }
}
