import type { PutObjectCommandInput } from '../../protocol/models/s3.ts'
import { checksumMembers } from '../checksums.ts'
import { writePrecondition } from '../conditions.ts'
import { expirationMembers } from '../lifecycle/members.ts'
import { attributesOf, attributesOfVersion, encryptionMembers } from '../object-attributes.ts'
import { lockOf } from '../object-lock.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { tagsOfHeader } from '../tags.ts'
import { Upload } from '../upload.ts'
import { quoted, versionMembers } from '../versions.ts'

/**
 * PutObject: a new version of an object, visible when all of it has arrived and is what was claimed.
 *
 * Source: S3 API Reference, PutObject.
 */
export async function putObject(s3: S3, input: PutObjectCommandInput, request: S3Request) {
  const key = input.Key ?? ''
  const bucket = s3.bucket(request, 'PutObject', { bucket: input.Bucket, key })
  const tags = tagsOfHeader(input.Tagging)
  if (input.Tagging !== undefined) {
    s3.bucket(request, 'PutObjectTagging', { bucket: input.Bucket, key })
  }
  const upload = new Upload(request)
  const version = await bucket.put(key, request.body, {
    attributes: { ...attributesOf(input, request.headers) },
    tags,
    ...lockOf(bucket, input, s3.now()),
    ...writePrecondition(input),
    ...upload.options(),
    encrypt: true,
    outbox: s3.replication.ofWrite(bucket),
  })
  const attributes = attributesOfVersion(version)
  return {
    ETag: quoted(version.etag),
    ...versionMembers(bucket, version),
    ...checksumMembers(attributes.checksum),
    ...encryptionMembers(attributes),
    ...expirationMembers(s3, bucket, version),
  }
}
