import { type AccessRequest, tagContext } from '../protocol/authorization.ts'
import type { Caller } from '../protocol/service.ts'
import { keyIdOf } from './ciphertext.ts'
import type { EncryptionContext } from './encryption-context.ts'
import type { KeyRecord } from './key.ts'
import type { Keys } from './keys.ts'

/** What the inputs of KMS's actions name. */
interface Named {
  readonly KeyId?: string
  readonly TargetKeyId?: string
  readonly AliasName?: string
  readonly SourceKeyId?: string
  readonly DestinationKeyId?: string
  readonly CiphertextBlob?: Uint8Array
  readonly EncryptionContext?: EncryptionContext
  readonly SourceEncryptionContext?: EncryptionContext
  readonly DestinationEncryptionContext?: EncryptionContext
  readonly Tags?: readonly { TagKey?: string; TagValue?: string }[]
}

/**
 * What an action is about: keys, whose own policy must agree, and aliases.
 *
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Key Management Service".
 */
export function kmsAccesses(
  keys: Keys,
  operation: string,
  input: Named,
  caller: Caller,
): AccessRequest[] {
  const action = `kms:${operation}`
  const about = (act: string, keyId: string, more?: EncryptionContext) =>
    keyAccess(keys, { action: act, keyId, context: contextOf(caller, more) })
  switch (operation) {
    case 'CreateKey': {
      const tags = input.Tags?.length ? [{ action: 'kms:TagResource', resource: '*' }] : []
      return [{ action, resource: '*' }, ...tags]
    }
    case 'ListKeys':
    case 'ListAliases':
      return [{ action, resource: '*' }]
    case 'CreateAlias':
    case 'UpdateAlias':
    case 'DeleteAlias': {
      const { AliasName = '', TargetKeyId } = input
      const before = keys.findAlias(AliasName)?.keyId
      const ids = [...new Set([before, TargetKeyId])].filter((id) => id !== undefined)
      const alias = { action, resource: keys.arnOf('alias', AliasName) }
      return [alias, ...ids.map((id) => about(action, id))]
    }
    case 'Decrypt':
      return [about(action, idIn(input), input.EncryptionContext)]
    case 'ReEncrypt':
      return [
        about('kms:ReEncryptFrom', idIn(input), input.SourceEncryptionContext),
        about('kms:ReEncryptTo', input.DestinationKeyId ?? '', input.DestinationEncryptionContext),
      ]
    default:
      return [about(action, input.KeyId ?? '', input.EncryptionContext)]
  }
}

/** What somebody is about to do with a key, if it is there. */
export function keyAccess(
  keys: Keys,
  { action, keyId, context }: { action: string; keyId: string; context: AccessRequest['context'] },
): AccessRequest {
  const key = keys.find(keyId)
  const alias = keys.aliasIn(keyId)
  const named = alias === undefined ? {} : { 'kms:RequestAlias': alias }
  if (!key) {
    const resource = keys.arnOf(alias === undefined ? 'key' : 'alias', alias ?? keyId)
    return { action, resource, context: { ...named, ...context } }
  }
  return {
    action,
    resource: key.arn,
    resourcePolicy: key.policy,
    mustPolicyAgree: true,
    context: { ...factsOf(keys, key), ...named, ...context },
  }
}

function factsOf(keys: Keys, key: KeyRecord): AccessRequest['context'] {
  const tags = key.tags.map(({ TagKey, TagValue }) => ({ Key: TagKey, Value: TagValue }))
  return {
    ...tagContext('aws:ResourceTag', tags),
    'kms:ResourceAliases': keys.aliasesOf(key).map(({ name }) => name),
    'kms:KeySpec': 'SYMMETRIC_DEFAULT',
    'kms:KeyUsage': 'ENCRYPT_DECRYPT',
    'kms:KeyOrigin': 'AWS_KMS',
  }
}

function contextOf({ accountId }: Caller, context: EncryptionContext | undefined) {
  const pairs = Object.entries(context ?? {})
  const values = pairs.map(([key, value]) => [`kms:EncryptionContext:${key}`, value] as const)
  return {
    'kms:CallerAccount': accountId,
    ...Object.fromEntries(values),
    ...(pairs.length > 0 ? { 'kms:EncryptionContextKeys': pairs.map(([key]) => key) } : {}),
  }
}

function idIn({ CiphertextBlob }: Named): string {
  return keyIdOf(CiphertextBlob ?? new Uint8Array())
}
