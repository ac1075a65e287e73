import type { ListEntitiesForPolicyRequest } from '../../protocol/models/iam.ts'
import { limitExceeded, MAX_ATTACHED, pageOf } from '../checks.ts'
import { type Iam, noSuchEntity } from '../iam.ts'
import { changeIdentity, getIdentity, type IdentityKind } from '../identities.ts'
import type { IdentityRecord } from '../records.ts'

/**
 * Which managed policies users and roles have: AttachUserPolicy, AttachRolePolicy and so on.
 *
 * Source: IAM API Reference, each action.
 */

interface Attachment {
  readonly name: string | undefined
  readonly policyArn: string | undefined
}

/** Safe to ask again. */
export async function attachPolicy(
  iam: Iam,
  kind: IdentityKind,
  { name, policyArn = '' }: Attachment,
) {
  changeIdentity(iam, kind, name ?? '', (record) => {
    iam.getPolicy(policyArn)
    if (record.attached.includes(policyArn)) return record
    if (record.attached.length >= MAX_ATTACHED)
      throw limitExceeded('PoliciesPerEntity', MAX_ATTACHED)
    return { ...record, attached: [...record.attached, policyArn] }
  })
  return {}
}

export async function detachPolicy(
  iam: Iam,
  kind: IdentityKind,
  { name, policyArn = '' }: Attachment,
) {
  changeIdentity(iam, kind, name ?? '', (record) => {
    if (!record.attached.includes(policyArn)) {
      throw noSuchEntity(`Policy ${policyArn} was not found.`)
    }
    return { ...record, attached: record.attached.filter((arn) => arn !== policyArn) }
  })
  return {}
}

export async function listAttachedPolicies(
  iam: Iam,
  kind: IdentityKind,
  input: {
    name: string | undefined
    PathPrefix?: string | undefined
    MaxItems?: number | undefined
    Marker?: string | undefined
  },
) {
  const { attached } = getIdentity(iam, kind, input.name ?? '')
  const all = attached
    .map((arn) => iam.getPolicy(arn))
    .filter(({ path }) => path.startsWith(input.PathPrefix ?? '/'))
  const { items, rest } = pageOf(all, input)
  const AttachedPolicies = items.map(({ name, arn }) => ({ PolicyName: name, PolicyArn: arn }))
  return { AttachedPolicies, ...rest }
}

/** ListEntitiesForPolicy: there are no groups in an embedded region. */
export async function listEntitiesForPolicy(iam: Iam, input: ListEntitiesForPolicyRequest) {
  const { arn } = iam.getPolicy(input.PolicyArn ?? '')
  const { EntityFilter: filter, PathPrefix: prefix = '/' } = input
  const having = (kind: IdentityKind, wanted: string): IdentityRecord[] =>
    filter === undefined || filter === wanted
      ? iam.directory.list(kind).filter(({ path, attached }) => {
          return path.startsWith(prefix) && attached.includes(arn)
        })
      : []
  return {
    PolicyGroups: [],
    PolicyUsers: having('users', 'User').map(({ name, id }) => ({ UserName: name, UserId: id })),
    PolicyRoles: having('roles', 'Role').map(({ name, id }) => ({ RoleName: name, RoleId: id })),
    IsTruncated: false,
  }
}

/** How many users and roles have a policy. */
export function attachmentCount(iam: Iam, arn: string): number {
  const all = [...iam.directory.list('users'), ...iam.directory.list('roles')]
  return all.filter(({ attached }) => attached.includes(arn)).length
}
