import type { Bucket } from '../../objectstore/bucket.ts'
import type {
  AccessControlPolicy,
  OwnershipControls,
  PublicAccessBlockConfiguration,
} from '../protocol/models/s3.ts'
import type { Caller } from '../protocol/service.ts'
import { ANONYMOUS } from '../protocol/verified-stream.ts'

export const PERMISSIONS = ['FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP'] as const
export type Permission = (typeof PERMISSIONS)[number]

/** What an ACL gives to whom: to an account, or to a group of callers. */
export interface Grant {
  readonly to: { readonly id: string } | { readonly uri: string }
  readonly permission: Permission
}

const GROUP = 'http://acs.amazonaws.com/groups/'
export const ALL_USERS = `${GROUP}global/AllUsers`
export const AUTHENTICATED_USERS = `${GROUP}global/AuthenticatedUsers`
export const LOG_DELIVERY = `${GROUP}s3/LogDelivery`
export const GROUPS = [ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY]

/** The name of the bucket setting that holds a bucket's grants; a bucket without has those of its owner. */
export const BUCKET_ACL = 'acl'

/** Source: S3 User Guide, "Access control list (ACL) overview": which actions a permission of an ACL gives. */
const BUCKET_ACTIONS: Readonly<Record<string, Permission>> = {
  ListBucket: 'READ',
  ListBucketVersions: 'READ',
  ListBucketMultipartUploads: 'READ',
  PutObject: 'WRITE',
  AbortMultipartUpload: 'WRITE',
  ListMultipartUploadParts: 'WRITE',
  GetBucketAcl: 'READ_ACP',
  PutBucketAcl: 'WRITE_ACP',
}
const OBJECT_ACTIONS: Readonly<Record<string, Permission>> = {
  GetObject: 'READ',
  GetObjectVersion: 'READ',
  GetObjectAcl: 'READ_ACP',
  GetObjectVersionAcl: 'READ_ACP',
  PutObjectAcl: 'WRITE_ACP',
  PutObjectVersionAcl: 'WRITE_ACP',
}

export function ownershipOf(bucket: Bucket): string {
  const controls = bucket.setting<OwnershipControls>('ownership-controls')
  return controls?.Rules?.[0]?.ObjectOwnership ?? 'ObjectWriter'
}

/** Whether the bucket's ACLs and those of its objects are disabled: everything belongs to its owner. */
export function hasNoAcls(bucket: Bucket): boolean {
  return ownershipOf(bucket) === 'BucketOwnerEnforced'
}

/**
 * Whether an ACL gives a caller an action: the object's, of a version that is there, or the bucket's.
 *
 * What an ACL gives to the owner's account is not given to its users; their policies do that.
 */
export function isGranted(
  caller: Caller,
  action: string,
  bucket: Bucket,
  objectGrants: readonly Grant[] | undefined,
): boolean {
  if (hasNoAcls(bucket)) return false
  const ofObject = OBJECT_ACTIONS[action]
  const wanted = ofObject ?? BUCKET_ACTIONS[action]
  const grants = ofObject ? objectGrants : bucket.setting<readonly Grant[]>(BUCKET_ACL)
  if (wanted === undefined || !grants) return false
  const block = bucket.setting<PublicAccessBlockConfiguration>('public-access-block')
  if (block?.IgnorePublicAcls) return false
  return grants.some(
    (grant) =>
      (grant.permission === wanted || grant.permission === 'FULL_CONTROL') && isIn(caller, grant),
  )
}

function isIn(caller: Caller, { to }: Grant): boolean {
  if (!('uri' in to)) return false
  return to.uri === ALL_USERS || (to.uri === AUTHENTICATED_USERS && caller !== ANONYMOUS)
}

/** Whether somebody outside of the account gets something. */
export function isPublicAcl(grants: readonly Grant[]): boolean {
  return grants.some(
    ({ to }) => 'uri' in to && (to.uri === ALL_USERS || to.uri === AUTHENTICATED_USERS),
  )
}

export function ownersGrants(ownerId: string): Grant[] {
  return [{ to: { id: ownerId }, permission: 'FULL_CONTROL' }]
}

/** An ACL as GetBucketAcl and GetObjectAcl tell it. */
export function aclDocument(
  owner: { ID: string; DisplayName: string },
  grants: readonly Grant[] = ownersGrants(owner.ID),
): Required<AccessControlPolicy> {
  return {
    Owner: owner,
    Grants: grants.map(({ to, permission }) => {
      if ('uri' in to) return { Grantee: { Type: 'Group', URI: to.uri }, Permission: permission }
      const about = to.id === owner.ID ? owner : { ID: to.id }
      return { Grantee: { Type: 'CanonicalUser', ...about }, Permission: permission }
    }),
  }
}
