import type { Bucket } from '../../../objectstore/bucket.ts'
import type { ObjectVersion } from '../../../objectstore/object-version.ts'
import type { Upload } from '../../../objectstore/uploads.ts'
import { uriEncode } from '../../protocol/canonical-request.ts'
import type { S3 } from '../s3.ts'
import { LifecycleRules } from './rules.ts'

/** How answers tell when a current version will expire. Source: S3 API Reference, PutObject and GetObject, `x-amz-expiration`. */
export function expirationMembers(
  s3: S3,
  bucket: Bucket,
  version: ObjectVersion,
): { Expiration?: string } {
  if (!version.isLatest || version.isDeleteMarker) return {}
  const due = LifecycleRules.of(bucket, s3.o.lifecycleDayMs)?.expiry(version)
  if (!due) return {}
  const { at, ruleId } = due
  return { Expiration: `expiry-date="${at.toUTCString()}", rule-id="${uriEncode(ruleId)}"` }
}

/** How answers tell when an upload will be aborted. Source: S3 API Reference, CreateMultipartUpload and ListParts. */
export function abortMembers(
  s3: S3,
  bucket: Bucket,
  upload: Upload | undefined,
): { AbortDate?: Date; AbortRuleId?: string } {
  const due = upload && LifecycleRules.of(bucket, s3.o.lifecycleDayMs)?.abort(upload)
  return due ? { AbortDate: due.at, AbortRuleId: due.ruleId } : {}
}
