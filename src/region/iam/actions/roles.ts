import type {
  CreateRoleRequest,
  CreateServiceLinkedRoleRequest,
  DeleteRoleRequest,
  GetRoleRequest,
  ListInstanceProfilesForRoleRequest,
  ListRolesRequest,
  UpdateAssumeRolePolicyRequest,
  UpdateRoleDescriptionRequest,
  UpdateRoleRequest,
} from '../../protocol/models/iam.ts'
import {
  checkedName,
  checkedPath,
  checkedPolicy,
  checkedTags,
  encodedDocument,
  invalid,
  invalidInput,
  POLICY_LIMITS,
  pageOf,
  refuseUnsupported,
} from '../checks.ts'
import type { Iam } from '../iam.ts'
import { addIdentity, changeIdentity, refuseWithPolicies } from '../identities.ts'
import type { RoleRecord } from '../records.ts'
import {
  ensureLinkedRole,
  findLinkedRole,
  isReservedForLinked,
  refuseLinked,
} from '../service-linked-roles.ts'

const HOUR_S = 3600

/**
 * CreateRole: a role with its trust policy.
 *
 * Unlike AWS: the principals that the trust policy names need not exist, and one that is made again under the
 * same name is trusted again.
 * Source: IAM API Reference, CreateRole.
 */
export async function createRole(iam: Iam, input: CreateRoleRequest) {
  refuseUnsupported({ PermissionsBoundary: input.PermissionsBoundary })
  const name = checkedName('roleName', input.RoleName)
  const path = checkedPath(input.Path)
  if (isReservedForLinked(name, path)) {
    throw invalid(
      `The name or the path of ${name} is reserved for roles that are linked to services.`,
    )
  }
  const role: RoleRecord = {
    name,
    path,
    id: iam.newId('AROA'),
    arn: iam.arn('role', path, name),
    createdAt: iam.timestamp(),
    tags: checkedTags(input.Tags),
    inline: [],
    attached: [],
    trust: checkedTrust(input.AssumeRolePolicyDocument),
    ...described(input.Description),
    maxSessionSeconds: checkedDuration(input.MaxSessionDuration ?? HOUR_S),
  }
  addIdentity(iam, 'roles', role)
  return { Role: roleShape(role) }
}

/**
 * CreateServiceLinkedRole: the role under which a service works by itself. A service makes it too when it first needs it.
 *
 * Source: IAM API Reference, CreateServiceLinkedRole.
 */
export async function createServiceLinkedRole(iam: Iam, input: CreateServiceLinkedRoleRequest) {
  refuseUnsupported({ CustomSuffix: input.CustomSuffix, Description: input.Description })
  const service = input.AWSServiceName ?? ''
  const known = findLinkedRole(iam, service)
  if (known) {
    throw invalidInput(
      `Service role name ${known.name} has been taken in this account, please try a different suffix.`,
    )
  }
  return { Role: roleShape(ensureLinkedRole(iam, service)) }
}

/** GetRole. Source: IAM API Reference, GetRole. */
export async function getRole(iam: Iam, input: GetRoleRequest) {
  return { Role: { ...roleShape(iam.getRole(input.RoleName ?? '')), RoleLastUsed: {} } }
}

/** ListRoles: without their tags, as AWS. Source: IAM API Reference, ListRoles. */
export async function listRoles(iam: Iam, input: ListRolesRequest) {
  const prefix = input.PathPrefix ?? '/'
  const all = iam.directory.list('roles').filter(({ path }) => path.startsWith(prefix))
  const { items, rest } = pageOf(all, input)
  return { Roles: items.map((role) => ({ ...roleShape(role), Tags: undefined })), ...rest }
}

/** UpdateRole: its description and longest session. Source: IAM API Reference, UpdateRole. */
export async function updateRole(iam: Iam, input: UpdateRoleRequest) {
  changeIdentity(iam, 'roles', input.RoleName ?? '', (role) => ({
    ...role,
    ...described(input.Description),
    maxSessionSeconds: checkedDuration(input.MaxSessionDuration ?? role.maxSessionSeconds),
  }))
  return {}
}

/** UpdateRoleDescription. Source: IAM API Reference, UpdateRoleDescription. */
export async function updateRoleDescription(iam: Iam, input: UpdateRoleDescriptionRequest) {
  const role = changeIdentity(iam, 'roles', input.RoleName ?? '', (before) => ({
    ...before,
    ...described(input.Description),
  }))
  return { Role: roleShape(role) }
}

/** UpdateAssumeRolePolicy: who may assume the role. Source: IAM API Reference, UpdateAssumeRolePolicy. */
export async function updateAssumeRolePolicy(iam: Iam, input: UpdateAssumeRolePolicyRequest) {
  const trust = checkedTrust(input.PolicyDocument)
  changeIdentity(iam, 'roles', input.RoleName ?? '', (role) => ({ ...role, trust }))
  return {}
}

/** DeleteRole: only one without policies. Source: IAM API Reference, DeleteRole. */
export async function deleteRole(iam: Iam, input: DeleteRoleRequest) {
  const name = input.RoleName ?? ''
  iam.directory.change((edit) => {
    const role = iam.getRole(name)
    refuseLinked(role)
    refuseWithPolicies(role)
    edit.delete('roles', name.toLowerCase())
  })
  return {}
}

/** ListInstanceProfilesForRole: there are no EC2 instances in an embedded region. */
export async function listInstanceProfilesForRole(
  iam: Iam,
  input: ListInstanceProfilesForRoleRequest,
) {
  iam.getRole(input.RoleName ?? '')
  return { InstanceProfiles: [], IsTruncated: false }
}

function checkedTrust(text: string | undefined): string {
  return checkedPolicy(text, 'trust', { most: POLICY_LIMITS.trust })
}

function checkedDuration(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= HOUR_S && seconds <= 12 * HOUR_S) return seconds
  throw invalid('MaxSessionDuration must be between 3600 and 43200.')
}

function described(description: string | undefined): { description?: string } {
  if (description !== undefined && description.length > 1000) {
    throw invalid('Description has at most 1000 characters.')
  }
  return description === undefined ? {} : { description }
}

function roleShape(role: RoleRecord) {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: role.arn,
    CreateDate: new Date(role.createdAt),
    AssumeRolePolicyDocument: encodedDocument(role.trust),
    Description: role.description,
    MaxSessionDuration: role.maxSessionSeconds,
    ...(role.tags.length > 0 ? { Tags: [...role.tags] } : {}),
  }
}
