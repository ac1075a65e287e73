import type { ListKeysCommandInput } from '../../protocol/models/kms.ts'
import { pageOf } from '../checks.ts'
import type { Keys } from '../keys.ts'

/** ListKeys: of customers and of AWS, also those that wait for their deletion. Source: KMS API Reference, ListKeys. */
export async function listKeys(keys: Keys, input: ListKeysCommandInput) {
  const { items, next } = pageOf(keys.list(), input)
  return { Keys: items.map(({ id, arn }) => ({ KeyId: id, KeyArn: arn })), ...next }
}
