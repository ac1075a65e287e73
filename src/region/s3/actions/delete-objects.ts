import { Fault } from '../../protocol/fault.ts'
import type { _Error, DeletedObject, DeleteObjectsCommandInput } from '../../protocol/models/s3.ts'
import { malformedXml } from '../../protocol/xml-reader.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { asStoreFault } from '../store-faults.ts'
import { deleteOne } from './delete-object.ts'

/** Source: S3 API Reference, DeleteObjects. */
const MAX_KEYS = 1000

/** DeleteObjects: many at once, each with an outcome of its own. Source: S3 API Reference, DeleteObjects. */
export async function deleteObjects(s3: S3, input: DeleteObjectsCommandInput, request: S3Request) {
  const { Objects = [], Quiet: isQuiet = false } = input.Delete ?? {}
  if (Objects.length === 0 || Objects.length > MAX_KEYS) throw malformedXml()
  const deleted: DeletedObject[] = []
  const errors: _Error[] = []
  for (const { Key, VersionId, ETag } of Objects) {
    const named = { Key, ...(VersionId === undefined ? {} : { VersionId }) }
    try {
      const outcome = await deleteOne(s3, request, {
        bucketName: input.Bucket,
        key: Key ?? '',
        versionId: VersionId,
        ifMatch: ETag,
        isBypassing: input.BypassGovernanceRetention ?? false,
      })
      const marker = outcome.DeleteMarker ? { DeleteMarkerVersionId: outcome.VersionId } : {}
      const { DeleteMarker } = outcome
      deleted.push({ ...named, ...(DeleteMarker ? { DeleteMarker } : {}), ...marker })
    } catch (error) {
      const fault = asStoreFault(error)
      // Of a bucket that is not there no key can be told about.
      if (!(fault instanceof Fault) || fault.wireCode === 'NoSuchBucket') throw error
      errors.push({ ...named, Code: fault.wireCode, Message: fault.message })
    }
  }
  return { Deleted: isQuiet ? [] : deleted, Errors: errors }
}
