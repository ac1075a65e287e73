import type { DescribeKeyCommandInput } from '../../protocol/models/kms.ts'
import { keyShape } from '../key-shape.ts'
import type { Keys } from '../keys.ts'

/**
 * DescribeKey, by id, ARN or alias. An alias of AWS gets its key by being described.
 *
 * Source: KMS API Reference, DescribeKey.
 */
export async function describeKey(keys: Keys, { KeyId = '' }: DescribeKeyCommandInput) {
  return { KeyMetadata: keyShape(keys, await keys.ensure(KeyId)) }
}
