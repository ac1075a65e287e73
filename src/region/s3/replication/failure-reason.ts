/**
 * Why a version could not be replicated, in AWS's words.
 *
 * Source: S3 User Guide, "Amazon S3 replication failure reasons".
 */
export const FAILURE_REASONS = [
  'AssumeRoleNotPermitted',
  'DstBucketNotFound',
  'DstBucketObjectLockConfigMissing',
  'DstBucketUnversioned',
  'DstDelObjNotPermitted',
  'DstPutObjNotPermitted',
  'DstPutTaggingNotPermitted',
  'SrcBucketReplicationConfigMissing',
  'SrcGetObjNotPermitted',
  'SrcGetTaggingNotPermitted',
  'SrcObjectNotEligible',
  'SrcObjectNotFound',
] as const

export type FailureReason = (typeof FAILURE_REASONS)[number]

/** Ends the delivery of a version for good. */
export class ReplicationFailure extends Error {
  override readonly name = 'ReplicationFailure'

  constructor(readonly reason: FailureReason) {
    super(reason)
  }
}

/** The header by which a destination tells its reason, beside the error that everybody reads. */
export const REASON_HEADER = 'x-lifeboat-replication-failure-reason'

export function parseFailureReason(text: string | undefined): FailureReason | undefined {
  return FAILURE_REASONS.find((reason) => reason === text)
}
