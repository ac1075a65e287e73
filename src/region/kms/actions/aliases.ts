import {
  type CreateAliasCommandInput,
  type DeleteAliasCommandInput,
  KmsFault,
  type ListAliasesCommandInput,
  type UpdateAliasCommandInput,
} from '../../protocol/models/kms.ts'
import { AWS_ALIASES } from '../aws-managed-keys.ts'
import { checkedAlias, checkNotPendingDeletion, pageOf } from '../checks.ts'
import type { Keys } from '../keys.ts'

/** CreateAlias. Source: KMS API Reference, CreateAlias. */
export async function createAlias(keys: Keys, input: CreateAliasCommandInput) {
  const name = checkedAlias(input.AliasName)
  await keys.changeAlias(name, (before) => {
    if (before && keys.find(before.keyId)) {
      const arn = keys.arnOf('alias', name)
      throw new KmsFault('AlreadyExistsException', `An alias with the name ${arn} already exists`)
    }
    const key = keys.getById(input.TargetKeyId ?? '')
    checkNotPendingDeletion(key)
    const now = keys.now().toISOString()
    return { name, keyId: key.id, createdAt: now, changedAt: now }
  })
  return {}
}

/** UpdateAlias: lets an alias name another key. Source: KMS API Reference, UpdateAlias. */
export async function updateAlias(keys: Keys, input: UpdateAliasCommandInput) {
  const name = checkedAlias(input.AliasName)
  await keys.changeAlias(name, (before) => {
    const key = keys.getById(input.TargetKeyId ?? '')
    checkNotPendingDeletion(key)
    if (!before || !keys.find(before.keyId)) throw aliasNotFound(keys, name)
    return { ...before, keyId: key.id, changedAt: keys.now().toISOString() }
  })
  return {}
}

/** DeleteAlias: the key stays. Source: KMS API Reference, DeleteAlias. */
export async function deleteAlias(keys: Keys, input: DeleteAliasCommandInput) {
  const name = checkedAlias(input.AliasName)
  await keys.changeAlias(name, (before) => {
    if (!before) throw aliasNotFound(keys, name)
    return undefined
  })
  return {}
}

/** ListAliases: those of AWS too, also while they have no key yet. Source: KMS API Reference, ListAliases. */
export async function listAliases(keys: Keys, input: ListAliasesCommandInput) {
  const only = input.KeyId === undefined ? undefined : keys.getById(input.KeyId).id
  const made = keys.aliases()
  const unmade = AWS_ALIASES.filter((name) => !made.some((alias) => alias.name === name))
  const shapes = [
    ...made.map(({ name, keyId, createdAt, changedAt }) => ({
      AliasName: name,
      AliasArn: keys.arnOf('alias', name),
      TargetKeyId: keyId,
      CreationDate: new Date(createdAt),
      LastUpdatedDate: new Date(changedAt),
    })),
    ...unmade.map((name) => ({ AliasName: name, AliasArn: keys.arnOf('alias', name) })),
  ]
  const asked = shapes.filter(
    (shape) => only === undefined || ('TargetKeyId' in shape && shape.TargetKeyId === only),
  )
  const sorted = asked.sort((a, b) => (a.AliasName < b.AliasName ? -1 : 1))
  const { items, next } = pageOf(sorted, input)
  return { Aliases: items, ...next }
}

function aliasNotFound(keys: Keys, name: string): KmsFault {
  return new KmsFault('NotFoundException', `Alias ${keys.arnOf('alias', name)} is not found.`)
}
