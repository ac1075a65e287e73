import type { GetKeyRotationStatusCommandInput } from '../../protocol/models/kms.ts'
import type { Keys } from '../keys.ts'

/**
 * GetKeyRotationStatus: never.
 *
 * Unlike AWS: keys are not rotated, and to ask for it is refused.
 * Source: KMS API Reference, GetKeyRotationStatus.
 */
export async function getKeyRotationStatus(keys: Keys, input: GetKeyRotationStatusCommandInput) {
  return { KeyId: keys.getById(input.KeyId ?? '').arn, KeyRotationEnabled: false }
}
