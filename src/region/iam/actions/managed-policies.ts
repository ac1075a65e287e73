import type {
  CreatePolicyRequest,
  DeletePolicyRequest,
  GetPolicyRequest,
  ListPoliciesRequest,
} from '../../protocol/models/iam.ts'
import { AWS_MANAGED_POLICIES } from '../aws-managed-policies.ts'
import {
  checkedName,
  checkedPath,
  checkedPolicy,
  checkedTags,
  invalid,
  POLICY_LIMITS,
  pageOf,
} from '../checks.ts'
import type { Iam } from '../iam.ts'
import { alreadyExists, deleteConflict } from '../identities.ts'
import type { PolicyRecord } from '../records.ts'
import { attachmentCount } from './attached-policies.ts'
import { refuseAwsManaged } from './policy-versions.ts'

/** CreatePolicy: a policy that users and roles may have, in its first version. Source: IAM API Reference. */
export async function createPolicy(iam: Iam, input: CreatePolicyRequest) {
  const name = checkedName('policyName', input.PolicyName, 128)
  const path = checkedPath(input.Path)
  const description = input.Description
  if (description !== undefined && description.length > 1000) {
    throw invalid('Description has at most 1000 characters.')
  }
  const document = checkedPolicy(input.PolicyDocument, 'identity', { most: POLICY_LIMITS.managed })
  const createdAt = iam.timestamp()
  const policy: PolicyRecord = {
    name,
    path,
    id: iam.newId('ANPA'),
    arn: iam.arn('policy', path, name),
    ...(description === undefined ? {} : { description }),
    createdAt,
    updatedAt: createdAt,
    tags: checkedTags(input.Tags),
    versions: [{ id: 'v1', document, createdAt }],
    defaultVersionId: 'v1',
    lastVersion: 1,
  }
  iam.directory.change((edit) => {
    const names = iam.directory.list('policies').map((one) => one.name.toLowerCase())
    if (names.includes(name.toLowerCase())) throw alreadyExists('A policy', name)
    edit.put('policies', policy.arn, policy)
  })
  return { Policy: policyShape(iam, policy) }
}

/** GetPolicy. Source: IAM API Reference, GetPolicy. */
export async function getPolicy(iam: Iam, input: GetPolicyRequest) {
  return { Policy: policyShape(iam, iam.getPolicy(input.PolicyArn ?? '')) }
}

/** ListPolicies: those of the account and those that AWS manages. Source: IAM API Reference, ListPolicies. */
export async function listPolicies(iam: Iam, input: ListPoliciesRequest) {
  const { Scope: scope = 'All', PathPrefix: prefix = '/', OnlyAttached: isOnlyAttached } = input
  const local = scope === 'AWS' ? [] : iam.directory.list('policies')
  const aws = scope === 'Local' ? [] : [...AWS_MANAGED_POLICIES.values()]
  const all = [...local, ...aws]
    .filter(({ path }) => path.startsWith(prefix))
    .map((policy) => ({ ...policyShape(iam, policy), Tags: undefined, Description: undefined }))
    .filter(({ AttachmentCount }) => !isOnlyAttached || AttachmentCount > 0)
  const { items, rest } = pageOf(all, input)
  return { Policies: items, ...rest }
}

/** DeletePolicy: only one that nobody has, in its last version. Source: IAM API Reference, DeletePolicy. */
export async function deletePolicy(iam: Iam, input: DeletePolicyRequest) {
  const arn = input.PolicyArn ?? ''
  refuseAwsManaged(arn)
  iam.directory.change((edit) => {
    const { versions } = iam.getPolicy(arn)
    if (attachmentCount(iam, arn) > 0) {
      throw deleteConflict('Cannot delete a policy attached to entities.')
    }
    if (versions.length > 1) {
      throw deleteConflict(
        'This policy has more than one version. Before you delete a policy, you must delete the ' +
          "policy's versions. The default version is deleted with the policy.",
      )
    }
    edit.delete('policies', arn)
  })
  return {}
}

function policyShape(iam: Iam, policy: PolicyRecord) {
  return {
    PolicyName: policy.name,
    PolicyId: policy.id,
    Arn: policy.arn,
    Path: policy.path,
    DefaultVersionId: policy.defaultVersionId,
    AttachmentCount: attachmentCount(iam, policy.arn),
    PermissionsBoundaryUsageCount: 0,
    IsAttachable: true,
    Description: policy.description,
    CreateDate: new Date(policy.createdAt),
    UpdateDate: new Date(policy.updatedAt),
    Tags: [...policy.tags],
  }
}
