import type { UpdateKeyDescriptionCommandInput } from '../../protocol/models/kms.ts'
import { checkedDescription, checkNotPendingDeletion } from '../checks.ts'
import type { Keys } from '../keys.ts'

/** UpdateKeyDescription. Source: KMS API Reference, UpdateKeyDescription. */
export async function updateKeyDescription(keys: Keys, input: UpdateKeyDescriptionCommandInput) {
  const description = checkedDescription(input.Description)
  await keys.change(input.KeyId ?? '', (key) => {
    checkNotPendingDeletion(key)
    return { ...key, description }
  })
  return {}
}
