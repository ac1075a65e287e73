import type { CreateKeyCommandInput } from '../../protocol/models/kms.ts'
import { checkedDescription, checkedTags, invalid, refuseUnsupported } from '../checks.ts'
import { keyShape } from '../key-shape.ts'
import type { Keys } from '../keys.ts'
import { checkedPolicy, defaultPolicy } from '../policy.ts'

/**
 * CreateKey: a symmetric key that encrypts and decrypts.
 *
 * Unlike AWS: there are no asymmetric and no HMAC keys, no material of one's own, no key stores, and no multi-Region keys: a key never
 * leaves its region.
 * Source: KMS API Reference, CreateKey.
 */
export async function createKey(keys: Keys, input: CreateKeyCommandInput) {
  const { KeySpec = 'SYMMETRIC_DEFAULT', KeyUsage = 'ENCRYPT_DECRYPT', Origin = 'AWS_KMS' } = input
  const spec = input.CustomerMasterKeySpec ?? KeySpec
  refuseUnsupported({
    [`The key spec ${spec}`]: spec !== 'SYMMETRIC_DEFAULT',
    [`The key usage ${KeyUsage}`]: KeyUsage !== 'ENCRYPT_DECRYPT',
    [`The origin ${Origin}`]: Origin !== 'AWS_KMS',
    'A multi-Region key': input.MultiRegion === true,
    CustomKeyStoreId: input.CustomKeyStoreId !== undefined,
    XksKeyId: input.XksKeyId !== undefined,
  })
  if (input.Policy !== undefined && input.Policy.length === 0) throw invalid('Policy is empty.')
  const key = keys.newKey({
    manager: 'CUSTOMER',
    description: checkedDescription(input.Description),
    policy: input.Policy === undefined ? defaultPolicy(keys) : checkedPolicy(keys, input.Policy),
    tags: checkedTags(input.Tags),
  })
  await keys.add(key)
  return { KeyMetadata: keyShape(keys, key) }
}
