import type { Tag } from '../../protocol/models/iam.ts'
import { checkedTags, pageOf } from '../checks.ts'
import type { Iam } from '../iam.ts'
import { changeIdentity, getIdentity, type IdentityKind } from '../identities.ts'
import type { Tag as StoredTag } from '../records.ts'
import { changePolicy } from './policy-versions.ts'

/** The tags of users, roles and policies: TagUser, TagRole and so on. Source: IAM API Reference, each action. */

interface Added {
  readonly name: string | undefined
  readonly tags: readonly Tag[] | undefined
}

interface Removed {
  readonly name: string | undefined
  readonly keys: readonly string[] | undefined
}

interface Listed {
  readonly name: string | undefined
  readonly MaxItems?: number | undefined
  readonly Marker?: string | undefined
}

export async function tagIdentity(iam: Iam, kind: IdentityKind, { name, tags }: Added) {
  const added = checkedTags(tags)
  changeIdentity(iam, kind, name ?? '', (record) => ({
    ...record,
    tags: withTags(record.tags, added),
  }))
  return {}
}

export async function untagIdentity(iam: Iam, kind: IdentityKind, { name, keys }: Removed) {
  changeIdentity(iam, kind, name ?? '', (record) => ({
    ...record,
    tags: withoutTags(record.tags, keys),
  }))
  return {}
}

export async function listIdentityTags(iam: Iam, kind: IdentityKind, input: Listed) {
  const { items, rest } = pageOf(getIdentity(iam, kind, input.name ?? '').tags, input)
  return { Tags: items, ...rest }
}

export async function tagPolicy(iam: Iam, { name, tags }: Added) {
  const added = checkedTags(tags)
  changePolicy(iam, name, (policy) => ({ ...policy, tags: withTags(policy.tags, added) }))
  return {}
}

export async function untagPolicy(iam: Iam, { name, keys }: Removed) {
  changePolicy(iam, name, (policy) => ({ ...policy, tags: withoutTags(policy.tags, keys) }))
  return {}
}

export async function listPolicyTags(iam: Iam, input: Listed) {
  const { items, rest } = pageOf(iam.getPolicy(input.name ?? '').tags, input)
  return { Tags: items, ...rest }
}

/** A key that is there already, in any case, gets the new value. */
function withTags(tags: readonly StoredTag[], added: readonly StoredTag[]): StoredTag[] {
  return checkedTags([
    ...withoutTags(
      tags,
      added.map(({ Key }) => Key),
    ),
    ...added,
  ])
}

function withoutTags(tags: readonly StoredTag[], keys: readonly string[] = []): StoredTag[] {
  const gone = new Set(keys.map((key) => key.toLowerCase()))
  return tags.filter(({ Key }) => !gone.has(Key.toLowerCase()))
}
