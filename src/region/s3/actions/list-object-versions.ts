import type { ListObjectVersionsCommandInput } from '../../protocol/models/s3.ts'
import { S3Fault } from '../faults.ts'
import { listDocument, ownerElement, versionEntry } from '../list-document.ts'
import { keyWriter, pageSize } from '../listing.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { listContext, nonEmpty } from './list-objects.ts'

/** ListObjectVersions: all versions and delete markers in one order, newest first under each key. Source: S3 API Reference, ListObjectVersions. */
export async function listObjectVersions(
  s3: S3,
  input: ListObjectVersionsCommandInput,
  request: S3Request,
) {
  const bucket = s3.bucket(request, 'ListBucketVersions', {
    bucket: input.Bucket,
    context: listContext(input),
  })
  const { KeyMarker: keyMarker, VersionIdMarker: versionMarker } = input
  if (versionMarker && !keyMarker) {
    throw new S3Fault(
      'InvalidArgument',
      'A version-id marker cannot be specified without a key marker.',
      { elements: { ArgumentName: 'version-id-marker', ArgumentValue: versionMarker } },
    )
  }
  const limit = pageSize(input.MaxKeys)
  const write = keyWriter(input.EncodingType)
  const page = bucket.listVersions({
    ...nonEmpty({
      prefix: input.Prefix,
      delimiter: input.Delimiter,
      afterKey: keyMarker,
      afterVersionId: versionMarker,
    }),
    limit,
  })
  const head = {
    Name: input.Bucket,
    Prefix: write(input.Prefix ?? ''),
    KeyMarker: write(keyMarker ?? ''),
    VersionIdMarker: versionMarker ?? '',
    ...nonEmpty({ Delimiter: write(input.Delimiter), EncodingType: input.EncodingType }),
    MaxKeys: limit,
    IsTruncated: page.isTruncated,
    ...(page.isTruncated
      ? nonEmpty({ NextKeyMarker: write(page.nextKey), NextVersionIdMarker: page.nextVersionId })
      : {}),
  }
  const form = { write, owner: ownerElement(s3.owner()) }
  const entries = page.versions.map((version) => versionEntry(version, form)).join('')
  return listDocument('ListObjectVersions', head, {
    ...{ entries, write },
    commonPrefixes: page.commonPrefixes,
  })
}
