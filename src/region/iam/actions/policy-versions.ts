import {
  type CreatePolicyVersionRequest,
  type DeletePolicyVersionRequest,
  type GetPolicyVersionRequest,
  IamFault,
  type ListPolicyVersionsRequest,
  type SetDefaultPolicyVersionRequest,
} from '../../protocol/models/iam.ts'
import { AWS_MANAGED_POLICIES } from '../aws-managed-policies.ts'
import { checkedPolicy, encodedDocument, POLICY_LIMITS, pageOf } from '../checks.ts'
import { type Iam, noSuchEntity } from '../iam.ts'
import { deleteConflict } from '../identities.ts'
import type { PolicyRecord, PolicyVersionRecord } from '../records.ts'

const MAX_VERSIONS = 5

/** CreatePolicyVersion: decides nothing until it is the default. Source: IAM API Reference. */
export async function createPolicyVersion(iam: Iam, input: CreatePolicyVersionRequest) {
  const limit = { most: POLICY_LIMITS.managed }
  const document = checkedPolicy(input.PolicyDocument, 'identity', limit)
  const policy = changePolicy(iam, input.PolicyArn, (before) => {
    if (before.versions.length >= MAX_VERSIONS) {
      throw new IamFault(
        'LimitExceededException',
        'A managed policy can have up to 5 versions. Before you create a new version, you must ' +
          'delete an existing version.',
      )
    }
    const lastVersion = before.lastVersion + 1
    const version = { id: `v${lastVersion}`, document, createdAt: iam.timestamp() }
    const defaultVersionId = input.SetAsDefault ? version.id : before.defaultVersionId
    return { ...before, versions: [version, ...before.versions], lastVersion, defaultVersionId }
  })
  const { Document: _, ...PolicyVersion } = versionShape(policy, policy.versions[0]!)
  return { PolicyVersion }
}

/** GetPolicyVersion: with its document. Source: IAM API Reference, GetPolicyVersion. */
export async function getPolicyVersion(iam: Iam, input: GetPolicyVersionRequest) {
  const policy = iam.getPolicy(input.PolicyArn ?? '')
  return { PolicyVersion: versionShape(policy, getVersion(policy, input.VersionId)) }
}

/** ListPolicyVersions: newest first, without documents. Source: IAM API Reference, ListPolicyVersions. */
export async function listPolicyVersions(iam: Iam, input: ListPolicyVersionsRequest) {
  const policy = iam.getPolicy(input.PolicyArn ?? '')
  const { items, rest } = pageOf(policy.versions, input)
  const Versions = items.map((version) => ({
    ...versionShape(policy, version),
    Document: undefined,
  }))
  return { Versions, ...rest }
}

/** SetDefaultPolicyVersion. Source: IAM API Reference, SetDefaultPolicyVersion. */
export async function setDefaultPolicyVersion(iam: Iam, input: SetDefaultPolicyVersionRequest) {
  changePolicy(iam, input.PolicyArn, (policy) => ({
    ...policy,
    defaultVersionId: getVersion(policy, input.VersionId).id,
  }))
  return {}
}

/** DeletePolicyVersion: not the default one. Source: IAM API Reference, DeletePolicyVersion. */
export async function deletePolicyVersion(iam: Iam, input: DeletePolicyVersionRequest) {
  changePolicy(iam, input.PolicyArn, (policy) => {
    const { id } = getVersion(policy, input.VersionId)
    if (id === policy.defaultVersionId) {
      throw deleteConflict('Cannot delete the default version of a policy.')
    }
    return { ...policy, versions: policy.versions.filter((version) => version.id !== id) }
  })
  return {}
}

/** Policies of AWS may be attached and read, and no more. */
export function refuseAwsManaged(arn: string): void {
  if (!AWS_MANAGED_POLICIES.has(arn)) return
  throw new IamFault('AccessDenied', `${arn} is managed by AWS and cannot be changed.`)
}

/** Replaces a policy of the account by what `next` makes of it. @throws IamFault `NoSuchEntityException` */
export function changePolicy(
  iam: Iam,
  arn: string | undefined,
  next: (policy: PolicyRecord) => PolicyRecord,
): PolicyRecord {
  refuseAwsManaged(arn ?? '')
  return iam.directory.change((edit) => {
    const after = { ...next(iam.getPolicy(arn ?? '')), updatedAt: iam.timestamp() }
    edit.put('policies', after.arn, after)
    return after
  })
}

function getVersion(policy: PolicyRecord, id: string | undefined): PolicyVersionRecord {
  const version = policy.versions.find((one) => one.id === id)
  if (version) return version
  throw noSuchEntity(`Policy ${policy.arn} version ${id} does not exist or is not attachable.`)
}

function versionShape(policy: PolicyRecord, { id, document, createdAt }: PolicyVersionRecord) {
  return {
    Document: encodedDocument(document),
    VersionId: id,
    IsDefaultVersion: id === policy.defaultVersionId,
    CreateDate: new Date(createdAt),
  }
}
