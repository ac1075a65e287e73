import type { Authorizer } from '../protocol/authorization.ts'
import { type KmsActions, kmsModel } from '../protocol/models/kms.ts'
import type { Service } from '../protocol/service.ts'
import { kmsAccesses } from './accesses.ts'
import { createAlias, deleteAlias, listAliases, updateAlias } from './actions/aliases.ts'
import { createKey } from './actions/create-key.ts'
import { decryptCiphertext } from './actions/decrypt.ts'
import { describeKey } from './actions/describe-key.ts'
import { encryptPlaintext } from './actions/encrypt.ts'
import { generateDataKey, generateDataKeyWithoutPlaintext } from './actions/generate-data-key.ts'
import { getKeyRotationStatus } from './actions/get-key-rotation-status.ts'
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from './actions/key-policy.ts'
import {
  cancelKeyDeletion,
  disableKey,
  enableKey,
  scheduleKeyDeletion,
} from './actions/key-state.ts'
import { listKeys } from './actions/list-keys.ts'
import { reEncrypt } from './actions/re-encrypt.ts'
import { listResourceTags, tagResource, untagResource } from './actions/tags.ts'
import { updateKeyDescription } from './actions/update-key-description.ts'
import { DataKeys } from './data-keys.ts'
import { Keys, type KmsOptions } from './keys.ts'

/**
 * AWS KMS: symmetric keys with real encryption, without grants, rotation, asymmetric and multi-Region keys.
 *
 * @returns also how other services of the region use keys
 */
export async function openKms(
  o: KmsOptions & { authorize: Authorizer },
): Promise<{ service: Service; dataKeysFor: (service: string) => DataKeys }> {
  const keys = await Keys.open(o)
  const actions = {
    CancelKeyDeletion: (input) => cancelKeyDeletion(keys, input),
    CreateAlias: (input) => createAlias(keys, input),
    CreateKey: (input) => createKey(keys, input),
    Decrypt: (input) => decryptCiphertext(keys, input),
    DeleteAlias: (input) => deleteAlias(keys, input),
    DescribeKey: (input) => describeKey(keys, input),
    DisableKey: (input) => disableKey(keys, input),
    EnableKey: (input) => enableKey(keys, input),
    Encrypt: (input) => encryptPlaintext(keys, input),
    GenerateDataKey: (input) => generateDataKey(keys, input),
    GenerateDataKeyWithoutPlaintext: (input) => generateDataKeyWithoutPlaintext(keys, input),
    GetKeyPolicy: (input) => getKeyPolicy(keys, input),
    GetKeyRotationStatus: (input) => getKeyRotationStatus(keys, input),
    ListAliases: (input) => listAliases(keys, input),
    ListKeyPolicies: (input) => listKeyPolicies(keys, input),
    ListKeys: (input) => listKeys(keys, input),
    ListResourceTags: (input) => listResourceTags(keys, input),
    PutKeyPolicy: (input, caller) => putKeyPolicy({ keys, authorize: o.authorize }, input, caller),
    ReEncrypt: (input) => reEncrypt(keys, input),
    ScheduleKeyDeletion: (input) => scheduleKeyDeletion(keys, input),
    TagResource: (input) => tagResource(keys, input),
    UntagResource: (input) => untagResource(keys, input),
    UpdateAlias: (input) => updateAlias(keys, input),
    UpdateKeyDescription: (input) => updateKeyDescription(keys, input),
  } satisfies KmsActions
  return {
    service: {
      model: kmsModel,
      actions,
      accesses: (operation, input, caller) => kmsAccesses(keys, operation, input, caller),
    },
    dataKeysFor: (service) => new DataKeys(keys, { ...o, service }),
  }
}
