import { type DecryptCommandInput, KmsFault } from '../../protocol/models/kms.ts'
import {
  checkAlgorithm,
  checkedCiphertext,
  checkedContext,
  invalid,
  refuseUnsupported,
} from '../checks.ts'
import { decrypt, keyIdOf } from '../ciphertext.ts'
import type { EncryptionContext } from '../encryption-context.ts'
import type { KeyRecord } from '../key.ts'
import type { Keys } from '../keys.ts'

/** Decrypt: with the key that the ciphertext names, and with its encryption context. Source: KMS API Reference, Decrypt. */
export async function decryptCiphertext(keys: Keys, input: DecryptCommandInput) {
  checkAlgorithm(input.EncryptionAlgorithm)
  refuseUnsupported({
    DryRun: input.DryRun === true,
    Recipient: input.Recipient !== undefined,
  })
  const { key, plaintext } = opened(keys, {
    ciphertext: input.CiphertextBlob,
    keyId: input.KeyId,
    context: input.EncryptionContext,
  })
  return {
    KeyId: key.arn,
    Plaintext: new Uint8Array(plaintext),
    EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' as const,
  }
}

/** @throws KmsFault `InvalidCiphertextException`, `IncorrectKeyException`, and as `Keys.getUsable` */
export function opened(
  keys: Keys,
  o: {
    ciphertext: Uint8Array | undefined
    keyId: string | undefined
    context: EncryptionContext | undefined
  },
): { key: KeyRecord; plaintext: Buffer } {
  if (o.ciphertext === undefined) throw invalid('CiphertextBlob is missing.')
  const ciphertext = checkedCiphertext(o.ciphertext)
  const context = checkedContext(o.context)
  const id = keyIdOf(ciphertext)
  if (o.keyId !== undefined && keys.getUsable(o.keyId).id !== id) {
    throw new KmsFault(
      'IncorrectKeyException',
      'The key ID in the request does not identify a CMK that can perform this operation.',
    )
  }
  if (!keys.find(id)) {
    throw new KmsFault('InvalidCiphertextException', 'The ciphertext is not valid.')
  }
  const key = keys.getUsable(id)
  return { key, plaintext: decrypt(ciphertext, keys.material(key), context) }
}
