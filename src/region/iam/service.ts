import { type IamActions, iamModel } from '../protocol/models/iam.ts'
import type { Service } from '../protocol/service.ts'
import { iamAccesses } from './accesses.ts'
import {
  createAccessKey,
  deleteAccessKey,
  listAccessKeys,
  updateAccessKey,
} from './actions/access-keys.ts'
import {
  attachPolicy,
  detachPolicy,
  listAttachedPolicies,
  listEntitiesForPolicy,
} from './actions/attached-policies.ts'
import {
  deleteInlinePolicy,
  getInlinePolicy,
  listInlinePolicies,
  putInlinePolicy,
} from './actions/inline-policies.ts'
import { createPolicy, deletePolicy, getPolicy, listPolicies } from './actions/managed-policies.ts'
import {
  createPolicyVersion,
  deletePolicyVersion,
  getPolicyVersion,
  listPolicyVersions,
  setDefaultPolicyVersion,
} from './actions/policy-versions.ts'
import {
  createRole,
  createServiceLinkedRole,
  deleteRole,
  getRole,
  listInstanceProfilesForRole,
  listRoles,
  updateAssumeRolePolicy,
  updateRole,
  updateRoleDescription,
} from './actions/roles.ts'
import {
  listIdentityTags,
  listPolicyTags,
  tagIdentity,
  tagPolicy,
  untagIdentity,
  untagPolicy,
} from './actions/tags.ts'
import {
  createUser,
  deleteUser,
  getUser,
  listGroupsForUser,
  listUsers,
  updateUser,
} from './actions/users.ts'
import type { Iam } from './iam.ts'

/** AWS IAM without groups, permissions boundaries, federation, passwords and MFA. */
export function iamService(iam: Iam): Service {
  return {
    model: iamModel,
    actions: { ...userActions(iam), ...roleActions(iam), ...policyActions(iam) },
    accesses: (operation, input, caller) => iamAccesses(iam, operation, input, caller),
  }
}

function userActions(iam: Iam) {
  return {
    AttachUserPolicy: ({ UserName, PolicyArn }) =>
      attachPolicy(iam, 'users', { name: UserName, policyArn: PolicyArn }),
    CreateAccessKey: (input, caller) => createAccessKey(iam, input, caller),
    CreateUser: (input) => createUser(iam, input),
    DeleteAccessKey: (input, caller) => deleteAccessKey(iam, input, caller),
    DeleteUser: (input) => deleteUser(iam, input),
    DeleteUserPolicy: ({ UserName, PolicyName }) =>
      deleteInlinePolicy(iam, 'users', { name: UserName, policyName: PolicyName }),
    DetachUserPolicy: ({ UserName, PolicyArn }) =>
      detachPolicy(iam, 'users', { name: UserName, policyArn: PolicyArn }),
    GetUser: (input, caller) => getUser(iam, input, caller),
    GetUserPolicy: async ({ UserName, PolicyName }) => ({
      UserName,
      ...(await getInlinePolicy(iam, 'users', { name: UserName, policyName: PolicyName })),
    }),
    ListAccessKeys: (input, caller) => listAccessKeys(iam, input, caller),
    ListAttachedUserPolicies: ({ UserName, ...input }) =>
      listAttachedPolicies(iam, 'users', { name: UserName, ...input }),
    ListGroupsForUser: (input) => listGroupsForUser(iam, input),
    ListUserPolicies: ({ UserName, ...input }) =>
      listInlinePolicies(iam, 'users', { name: UserName, ...input }),
    ListUserTags: ({ UserName, ...input }) =>
      listIdentityTags(iam, 'users', { name: UserName, ...input }),
    ListUsers: (input) => listUsers(iam, input),
    PutUserPolicy: ({ UserName, PolicyName, PolicyDocument }) =>
      putInlinePolicy(iam, 'users', {
        name: UserName,
        policyName: PolicyName,
        document: PolicyDocument,
      }),
    TagUser: ({ UserName, Tags }) => tagIdentity(iam, 'users', { name: UserName, tags: Tags }),
    UntagUser: ({ UserName, TagKeys }) =>
      untagIdentity(iam, 'users', { name: UserName, keys: TagKeys }),
    UpdateAccessKey: (input, caller) => updateAccessKey(iam, input, caller),
    UpdateUser: (input) => updateUser(iam, input),
  } satisfies IamActions
}

function roleActions(iam: Iam) {
  return {
    AttachRolePolicy: ({ RoleName, PolicyArn }) =>
      attachPolicy(iam, 'roles', { name: RoleName, policyArn: PolicyArn }),
    CreateRole: (input) => createRole(iam, input),
    CreateServiceLinkedRole: (input) => createServiceLinkedRole(iam, input),
    DeleteRole: (input) => deleteRole(iam, input),
    DeleteRolePolicy: ({ RoleName, PolicyName }) =>
      deleteInlinePolicy(iam, 'roles', { name: RoleName, policyName: PolicyName }),
    DetachRolePolicy: ({ RoleName, PolicyArn }) =>
      detachPolicy(iam, 'roles', { name: RoleName, policyArn: PolicyArn }),
    GetRole: (input) => getRole(iam, input),
    GetRolePolicy: async ({ RoleName, PolicyName }) => ({
      RoleName,
      ...(await getInlinePolicy(iam, 'roles', { name: RoleName, policyName: PolicyName })),
    }),
    ListAttachedRolePolicies: ({ RoleName, ...input }) =>
      listAttachedPolicies(iam, 'roles', { name: RoleName, ...input }),
    ListInstanceProfilesForRole: (input) => listInstanceProfilesForRole(iam, input),
    ListRolePolicies: ({ RoleName, ...input }) =>
      listInlinePolicies(iam, 'roles', { name: RoleName, ...input }),
    ListRoleTags: ({ RoleName, ...input }) =>
      listIdentityTags(iam, 'roles', { name: RoleName, ...input }),
    ListRoles: (input) => listRoles(iam, input),
    PutRolePolicy: ({ RoleName, PolicyName, PolicyDocument }) =>
      putInlinePolicy(iam, 'roles', {
        name: RoleName,
        policyName: PolicyName,
        document: PolicyDocument,
      }),
    TagRole: ({ RoleName, Tags }) => tagIdentity(iam, 'roles', { name: RoleName, tags: Tags }),
    UntagRole: ({ RoleName, TagKeys }) =>
      untagIdentity(iam, 'roles', { name: RoleName, keys: TagKeys }),
    UpdateAssumeRolePolicy: (input) => updateAssumeRolePolicy(iam, input),
    UpdateRole: (input) => updateRole(iam, input),
    UpdateRoleDescription: (input) => updateRoleDescription(iam, input),
  } satisfies IamActions
}

function policyActions(iam: Iam) {
  return {
    CreatePolicy: (input) => createPolicy(iam, input),
    CreatePolicyVersion: (input) => createPolicyVersion(iam, input),
    DeletePolicy: (input) => deletePolicy(iam, input),
    DeletePolicyVersion: (input) => deletePolicyVersion(iam, input),
    GetPolicy: (input) => getPolicy(iam, input),
    GetPolicyVersion: (input) => getPolicyVersion(iam, input),
    ListEntitiesForPolicy: (input) => listEntitiesForPolicy(iam, input),
    ListPolicies: (input) => listPolicies(iam, input),
    ListPolicyTags: ({ PolicyArn, ...input }) => listPolicyTags(iam, { name: PolicyArn, ...input }),
    ListPolicyVersions: (input) => listPolicyVersions(iam, input),
    SetDefaultPolicyVersion: (input) => setDefaultPolicyVersion(iam, input),
    TagPolicy: ({ PolicyArn, Tags }) => tagPolicy(iam, { name: PolicyArn, tags: Tags }),
    UntagPolicy: ({ PolicyArn, TagKeys }) => untagPolicy(iam, { name: PolicyArn, keys: TagKeys }),
  } satisfies IamActions
}
