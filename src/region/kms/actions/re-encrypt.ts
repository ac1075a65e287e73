import type { ReEncryptCommandInput } from '../../protocol/models/kms.ts'
import { checkAlgorithm, checkedContext, refuseUnsupported } from '../checks.ts'
import { encrypt } from '../ciphertext.ts'
import type { Keys } from '../keys.ts'
import { opened } from './decrypt.ts'

/** ReEncrypt: the same plaintext under another key or context; nobody sees it. Source: KMS API Reference, ReEncrypt. */
export async function reEncrypt(keys: Keys, input: ReEncryptCommandInput) {
  checkAlgorithm(input.SourceEncryptionAlgorithm, input.DestinationEncryptionAlgorithm)
  refuseUnsupported({ DryRun: input.DryRun === true })
  const context = checkedContext(input.DestinationEncryptionContext)
  const { key: source, plaintext } = opened(keys, {
    ciphertext: input.CiphertextBlob,
    keyId: input.SourceKeyId,
    context: input.SourceEncryptionContext,
  })
  const key = keys.getUsable(input.DestinationKeyId ?? '')
  const ciphertext = encrypt(plaintext, { id: key.id, material: keys.material(key) }, context)
  return {
    CiphertextBlob: new Uint8Array(ciphertext),
    SourceKeyId: source.arn,
    KeyId: key.arn,
    SourceEncryptionAlgorithm: 'SYMMETRIC_DEFAULT' as const,
    DestinationEncryptionAlgorithm: 'SYMMETRIC_DEFAULT' as const,
  }
}
