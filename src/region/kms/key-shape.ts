import type { KeyMetadata } from '../protocol/models/kms.ts'
import { type KeyRecord, stateOf } from './key.ts'
import type { Keys } from './keys.ts'

/** A key as KMS answers it. */
export function keyShape(keys: Keys, key: KeyRecord): KeyMetadata {
  return {
    AWSAccountId: keys.o.accountId,
    KeyId: key.id,
    Arn: key.arn,
    Description: key.description,
    CreationDate: new Date(key.createdAt),
    Enabled: stateOf(key) === 'Enabled',
    KeyState: stateOf(key),
    DeletionDate: key.deletionAt === undefined ? undefined : new Date(key.deletionAt),
    KeyManager: key.manager,
    KeySpec: 'SYMMETRIC_DEFAULT',
    CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
    KeyUsage: 'ENCRYPT_DECRYPT',
    EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
    Origin: 'AWS_KMS',
    MultiRegion: false,
  }
}
