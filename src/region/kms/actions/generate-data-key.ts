import { randomBytes } from 'node:crypto'
import type { GenerateDataKeyCommandInput } from '../../protocol/models/kms.ts'
import { checkedContext, invalid, refuseUnsupported } from '../checks.ts'
import { encrypt } from '../ciphertext.ts'
import type { Keys } from '../keys.ts'

const BYTES_BY_SPEC = { AES_128: 16, AES_256: 32 } as const
const MAX_BYTES = 1024

/** GenerateDataKey: random bytes, plain and encrypted. Source: KMS API Reference, GenerateDataKey. */
export async function generateDataKey(keys: Keys, input: GenerateDataKeyCommandInput) {
  refuseUnsupported({
    DryRun: input.DryRun === true,
    Recipient: input.Recipient !== undefined,
  })
  const context = checkedContext(input.EncryptionContext)
  const plaintext = randomBytes(checkedLength(input))
  const key = keys.getUsable(input.KeyId ?? '')
  const ciphertext = encrypt(plaintext, { id: key.id, material: keys.material(key) }, context)
  return {
    KeyId: key.arn,
    Plaintext: new Uint8Array(plaintext),
    CiphertextBlob: new Uint8Array(ciphertext),
  }
}

/** GenerateDataKeyWithoutPlaintext. Source: KMS API Reference, GenerateDataKeyWithoutPlaintext. */
export async function generateDataKeyWithoutPlaintext(
  keys: Keys,
  input: GenerateDataKeyCommandInput,
) {
  const { KeyId, CiphertextBlob } = await generateDataKey(keys, input)
  return { KeyId, CiphertextBlob }
}

function checkedLength({ KeySpec, NumberOfBytes }: GenerateDataKeyCommandInput): number {
  if ((KeySpec === undefined) === (NumberOfBytes === undefined)) {
    throw invalid('Please specify either number of bytes or key spec.')
  }
  const length = KeySpec === undefined ? NumberOfBytes : BYTES_BY_SPEC[KeySpec]
  if (length && Number.isInteger(length) && length >= 1 && length <= MAX_BYTES) return length
  throw invalid(`NumberOfBytes is 1 to ${MAX_BYTES}, and KeySpec AES_128 or AES_256.`)
}
