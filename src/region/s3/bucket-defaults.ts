import { LifeboatError } from '../../core/errors.ts'
import type { PublicAccessBlockConfiguration } from '../protocol/models/s3.ts'

/** What a bucket is made with that says nothing of it itself. */
export interface BucketDefaults {
  readonly ownership: 'BucketOwnerEnforced' | 'ObjectWriter'
  readonly publicAccessBlock: PublicAccessBlockConfiguration | undefined
}

/** Source: S3 User Guide, "Default settings for new S3 buckets FAQ". */
export const DEFAULTS_OF_TODAY: BucketDefaults = {
  ownership: 'BucketOwnerEnforced',
  publicAccessBlock: {
    BlockPublicAcls: true,
    IgnorePublicAcls: true,
    BlockPublicPolicy: true,
    RestrictPublicBuckets: true,
  },
}

/** Those of AWS until April 2023, which programs and test suites of that time count on. */
export const DEFAULTS_WITH_ACLS: BucketDefaults = {
  ownership: 'ObjectWriter',
  publicAccessBlock: undefined,
}

/** Chosen by `LIFEBOAT_BUCKET_ACLS`. @throws LifeboatError `InvalidUsage` */
export function bucketDefaults(
  environment: Readonly<Record<string, string | undefined>>,
): BucketDefaults {
  const text = environment.LIFEBOAT_BUCKET_ACLS ?? ''
  if (text === '') return DEFAULTS_OF_TODAY
  if (text === 'enabled') return DEFAULTS_WITH_ACLS
  throw new LifeboatError('InvalidUsage', `LIFEBOAT_BUCKET_ACLS is '${text}'`, {
    hint: "Set it to 'enabled', or leave it away.",
  })
}
