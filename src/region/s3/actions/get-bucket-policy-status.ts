import type { GetBucketPolicyStatusCommandInput } from '../../protocol/models/s3.ts'
import { S3Fault } from '../faults.ts'
import { isPublicPolicy } from '../public-policy.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'

/** GetBucketPolicyStatus: whether the policy is public. Source: S3 API Reference, GetBucketPolicyStatus. */
export async function getBucketPolicyStatus(
  s3: S3,
  input: GetBucketPolicyStatusCommandInput,
  request: S3Request,
) {
  const bucket = s3.bucket(request, 'GetBucketPolicyStatus', { bucket: input.Bucket })
  const policy = bucket.setting<string>('policy')
  if (policy === undefined) {
    throw new S3Fault('NoSuchBucketPolicy', 'The bucket policy does not exist', {
      elements: { BucketName: bucket.name },
    })
  }
  return { PolicyStatus: { IsPublic: isPublicPolicy(policy) } }
}
