import type { CreateBucketCommandInput } from '../../protocol/models/s3.ts'
import { BUCKET_ACL, type Grant, isPublicAcl } from '../acl.ts'
import { grantsOf } from '../acl-input.ts'
import { isBucketName } from '../address.ts'
import { S3Fault } from '../faults.ts'
import { OBJECT_LOCK } from '../object-lock.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { checkedTags } from '../tags.ts'

/**
 * CreateBucket. A name is taken in all regions of a home.
 *
 * Source: S3 API Reference, CreateBucket.
 */
export async function createBucket(s3: S3, input: CreateBucketCommandInput, request: S3Request) {
  const name = input.Bucket ?? ''
  s3.authorize(request, 'CreateBucket', { bucket: name })
  if (!isBucketName(name)) {
    const elements = { BucketName: name }
    throw new S3Fault('InvalidBucketName', 'The specified bucket is not valid.', { elements })
  }
  checkLocation(s3.o.region, input.CreateBucketConfiguration?.LocationConstraint)
  const tags = input.CreateBucketConfiguration?.Tags ?? []
  checkedTags(tags, 'bucket')
  const { bucketDefaults: defaults } = s3.o
  const ownership = input.ObjectOwnership ?? defaults.ownership
  const isLocked = input.ObjectLockEnabledForBucket === true
  const acl = aclOfNewBucket(s3, input, ownership)
  const { publicAccessBlock: block } = defaults
  const configuration = {
    ...(isLocked ? { versioning: 'enabled' as const } : {}),
    settings: {
      'ownership-controls': { Rules: [{ ObjectOwnership: ownership }] },
      ...(block ? { 'public-access-block': block } : {}),
      ...(tags.length > 0 ? { tagging: { TagSet: tags } } : {}),
      ...(acl ? { [BUCKET_ACL]: acl } : {}),
      ...(isLocked ? { [OBJECT_LOCK]: { ObjectLockEnabled: 'Enabled' } } : {}),
    },
  }
  const made = await s3.directory.create(name, () => s3.store.createBucket(name, configuration))
  if (!made) await remake(s3, name, acl)
  return { Location: `/${name}` }
}

/**
 * What a new bucket's ACL says, if it may say it.
 *
 * @throws S3Fault `InvalidBucketAclWithObjectOwnership`, `InvalidBucketAclWithBlockPublicAccessError`
 */
function aclOfNewBucket(s3: S3, input: CreateBucketCommandInput, ownership: string) {
  const ownerId = s3.owner().ID
  const acl = grantsOf(input, { ownerId, kind: 'bucket' })
  if (!acl) return undefined
  const givesToOthers = acl.some(({ to }) => !('id' in to) || to.id !== ownerId)
  if (ownership === 'BucketOwnerEnforced' && givesToOthers) {
    throw new S3Fault(
      'InvalidBucketAclWithObjectOwnership',
      "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
    )
  }
  if (isPublicAcl(acl) && s3.o.bucketDefaults.publicAccessBlock?.BlockPublicAcls) {
    throw new S3Fault(
      'InvalidBucketAclWithBlockPublicAccessError',
      'Bucket cannot have public ACLs set with BlockPublicAccess enabled',
    )
  }
  return acl
}

/**
 * In us-east-1, whoever creates a bucket again succeeds, and its ACL becomes what a new one's would be.
 *
 * Source: S3 API Reference, CreateBucket, "BucketAlreadyOwnedByYou".
 *
 * @throws S3Fault `BucketAlreadyOwnedByYou`
 */
async function remake(s3: S3, name: string, acl: readonly Grant[] | undefined): Promise<void> {
  const bucket = s3.store.findBucket(name)
  if (bucket && s3.o.region === 'us-east-1') return await bucket.setSetting(BUCKET_ACL, acl)
  throw new S3Fault(
    'BucketAlreadyOwnedByYou',
    'Your previous request to create the named bucket succeeded and you already own it.',
    { elements: { BucketName: name } },
  )
}

/** The region of the endpoint, except for `us-east-1`, which is no constraint. */
function checkLocation(region: string, asked: string | undefined): void {
  const isRight = region === 'us-east-1' ? asked === undefined : asked === region
  if (isRight) return
  if (asked === 'us-east-1' && region === asked) {
    throw new S3Fault(
      'InvalidLocationConstraint',
      'The specified location-constraint is not valid',
      { elements: { LocationConstraint: asked } },
    )
  }
  throw new S3Fault(
    'IllegalLocationConstraintException',
    `The ${asked ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  )
}
