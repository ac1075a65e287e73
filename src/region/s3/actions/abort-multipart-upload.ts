import type { AbortMultipartUploadCommandInput } from '../../protocol/models/s3.ts'
import { getUpload } from '../multipart.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'

/** AbortMultipartUpload: the parts are gone. Source: S3 API Reference, AbortMultipartUpload. */
export async function abortMultipartUpload(
  s3: S3,
  input: AbortMultipartUploadCommandInput,
  request: S3Request,
) {
  const { Bucket, Key } = input
  const bucket = s3.bucket(request, 'AbortMultipartUpload', { bucket: Bucket, key: Key })
  await bucket.uploads.abort(getUpload(bucket, input).uploadId)
  return {}
}
