import type { PutObjectCommandInput } from '../../protocol/models/s3.ts'
import { checksumMembers } from '../checksums.ts'
import { writePrecondition } from '../conditions.ts'
import { customerKeyMembers, sealing } from '../customer-key.ts'
import { encryptionMembers, encryptionOf } from '../encryption.ts'
import { expirationMembers } from '../lifecycle/members.ts'
import { attributesOf, attributesOfVersion } from '../object-attributes.ts'
import { lockOf } from '../object-lock.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { tagsOfHeader } from '../tags.ts'
import { Upload } from '../upload.ts'
import { quoted, versionMembers } from '../versions.ts'
import { writableBucket } from '../writable-bucket.ts'

/**
 * PutObject: a new version of an object, visible when all of it has arrived and is what was claimed.
 *
 * Source: S3 API Reference, PutObject.
 */
export async function putObject(s3: S3, input: PutObjectCommandInput, request: S3Request) {
  const key = input.Key ?? ''
  const tags = tagsOfHeader(input.Tagging)
  const { bucket, acl } = writableBucket(s3, request, input, tags)
  const { stored, customerKey } = encryptionOf(bucket, input, s3.o.random)
  const upload = new Upload(request)
  const version = await bucket.put(key, request.body, {
    attributes: { ...attributesOf(input, request.headers), ...stored, ...(acl ? { acl } : {}) },
    tags,
    ...lockOf(bucket, input, s3.now()),
    ...writePrecondition(input),
    ...upload.options(),
    ...sealing(customerKey),
    outbox: s3.replication.ofWrite(bucket),
  })
  const attributes = attributesOfVersion(version)
  return {
    ETag: quoted(version.etag),
    ...versionMembers(bucket, version),
    ...checksumMembers(attributes.checksum),
    ...encryptionMembers(attributes),
    ...customerKeyMembers(customerKey),
    ...expirationMembers(s3, bucket, version),
  }
}
