import type { Tag } from '../../protocol/models/iam.ts'
import { checkedTags, pageOf } from '../checks.ts'
import type { Iam } from '../iam.ts'
import { changeIdentity, getIdentity, type IdentityKind } from '../identities.ts'

/** The tags of users and roles: TagUser, TagRole and so on. Source: IAM API Reference, each action. */

/** A key that is there already gets the new value. */
export async function tagIdentity(
  iam: Iam,
  kind: IdentityKind,
  { name, tags }: { name: string | undefined; tags: readonly Tag[] | undefined },
) {
  const added = checkedTags(tags)
  const keys = new Set(added.map(({ Key }) => Key.toLowerCase()))
  changeIdentity(iam, kind, name ?? '', (record) => {
    const kept = record.tags.filter(({ Key }) => !keys.has(Key.toLowerCase()))
    return { ...record, tags: checkedTags([...kept, ...added]) }
  })
  return {}
}

export async function untagIdentity(
  iam: Iam,
  kind: IdentityKind,
  { name, keys = [] }: { name: string | undefined; keys: readonly string[] | undefined },
) {
  const gone = new Set(keys.map((key) => key.toLowerCase()))
  changeIdentity(iam, kind, name ?? '', (record) => ({
    ...record,
    tags: record.tags.filter(({ Key }) => !gone.has(Key.toLowerCase())),
  }))
  return {}
}

export async function listIdentityTags(
  iam: Iam,
  kind: IdentityKind,
  input: { name: string | undefined; MaxItems?: number | undefined; Marker?: string | undefined },
) {
  const { items, rest } = pageOf(getIdentity(iam, kind, input.name ?? '').tags, input)
  return { Tags: items, ...rest }
}
