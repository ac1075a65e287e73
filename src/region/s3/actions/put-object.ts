import type { PutObjectCommandInput } from '../../protocol/models/s3.ts'
import { checksumMembers } from '../checksums.ts'
import { writePrecondition } from '../conditions.ts'
import { customerKeyMembers, sealing } from '../customer-key.ts'
import { encryptionMembers, encryptionOf } from '../encryption.ts'
import { expirationMembers } from '../lifecycle/members.ts'
import { attributesOf, attributesOfVersion } from '../object-attributes.ts'
import { lockOf } from '../object-lock.ts'
import type { SizeLimits } from '../post-policy.ts'
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
  return await storeObject(s3, input, request, { tags: tagsOfHeader(input.Tagging) })
}

/**
 * Stores an object as PutObject and a browser's POST do.
 *
 * @param o.limits  of the length of a body of which no header tells it
 */
export async function storeObject(
  s3: S3,
  input: Omit<PutObjectCommandInput, 'Body'>,
  request: S3Request,
  { tags, limits }: { tags: Readonly<Record<string, string>>; limits?: SizeLimits },
) {
  const key = input.Key ?? ''
  const { bucket, acl } = writableBucket(s3, request, input, tags)
  const { stored, customerKey } = encryptionOf(bucket, input, s3.o.random)
  const upload = new Upload(request, limits ? { limits } : {})
  const body = limits ? upload.limited(request.body) : request.body
  const version = await bucket.put(key, body, {
    attributes: { ...attributesOf(input, request.headers), ...stored, ...(acl ? { acl } : {}) },
    tags,
    ...lockOf(bucket, input, s3.store.lockTime()),
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
