import {
  checkedName,
  checkedPolicy,
  encodedDocument,
  limitExceeded,
  POLICY_LIMITS,
  pageOf,
  policyLength,
} from '../checks.ts'
import { type Iam, noSuchEntity } from '../iam.ts'
import { changeIdentity, getIdentity, type IdentityKind } from '../identities.ts'

/**
 * The inline policies of users and of roles: PutUserPolicy, PutRolePolicy and so on.
 *
 * Source: IAM API Reference, each action.
 */

interface PolicyName {
  readonly name: string | undefined
  readonly policyName: string | undefined
}

export async function putInlinePolicy(
  iam: Iam,
  kind: IdentityKind,
  { name, policyName, document }: PolicyName & { document: string | undefined },
) {
  const most = kind === 'users' ? POLICY_LIMITS.user : POLICY_LIMITS.role
  const checked = checkedName('policyName', policyName, 128)
  const policy = { name: checked, document: checkedPolicy(document, 'identity', { most }) }
  changeIdentity(iam, kind, name ?? '', (record) => {
    const others = record.inline.filter((one) => one.name !== policy.name)
    const inline = [...others, policy].sort((a, b) => (a.name < b.name ? -1 : 1))
    // The limit is that of all inline policies together.
    const length = inline.reduce((sum, one) => sum + policyLength(one.document), 0)
    if (length > most) throw limitExceeded('PolicySize', most)
    return { ...record, inline }
  })
  return {}
}

export async function getInlinePolicy(
  iam: Iam,
  kind: IdentityKind,
  { name, policyName }: PolicyName,
) {
  const found = getIdentity(iam, kind, name ?? '').inline.find((one) => one.name === policyName)
  if (!found) throw absent(kind, policyName)
  return { PolicyName: found.name, PolicyDocument: encodedDocument(found.document) }
}

export async function deleteInlinePolicy(
  iam: Iam,
  kind: IdentityKind,
  { name, policyName }: PolicyName,
) {
  changeIdentity(iam, kind, name ?? '', (record) => {
    const inline = record.inline.filter((one) => one.name !== policyName)
    if (inline.length === record.inline.length) throw absent(kind, policyName)
    return { ...record, inline }
  })
  return {}
}

export async function listInlinePolicies(
  iam: Iam,
  kind: IdentityKind,
  input: { name: string | undefined; MaxItems?: number | undefined; Marker?: string | undefined },
) {
  const { items, rest } = pageOf(getIdentity(iam, kind, input.name ?? '').inline, input)
  return { PolicyNames: items.map(({ name }) => name), ...rest }
}

function absent(kind: IdentityKind, policyName: string | undefined) {
  const what = kind === 'users' ? 'user' : 'role'
  return noSuchEntity(`The ${what} policy with name ${policyName} cannot be found.`)
}
