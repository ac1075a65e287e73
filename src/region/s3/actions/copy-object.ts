import type { Bucket } from '../../../objectstore/bucket.ts'
import type { ObjectVersion } from '../../../objectstore/object-version.ts'
import type { PutOptions } from '../../../objectstore/put-options.ts'
import type { CopyObjectCommandInput } from '../../protocol/models/s3.ts'
import {
  checksumMembers,
  digestName,
  parseChecksumAlgorithm,
  type StoredChecksum,
} from '../checksums.ts'
import { writePrecondition } from '../conditions.ts'
import { type CopySource, copySource } from '../copy-source.ts'
import { type CustomerKey, customerKeyMembers, sealing } from '../customer-key.ts'
import { encryptionMembers, encryptionOf } from '../encryption.ts'
import { S3Fault } from '../faults.ts'
import { expirationMembers } from '../lifecycle/members.ts'
import {
  attributesOf,
  attributesOfVersion,
  defined,
  type ObjectAttributes,
} from '../object-attributes.ts'
import { lockOf } from '../object-lock.ts'
import type { S3 } from '../s3.ts'
import type { S3Request } from '../s3-request.ts'
import { tagsOfHeader } from '../tags.ts'
import { DEFAULT_ALGORITHM } from '../upload.ts'
import { quoted, versionMembers } from '../versions.ts'
import { writableBucket } from '../writable-bucket.ts'

/** Source: S3 API Reference, CopyObject: more is copied in parts. */
const MAX_COPY_BYTES = 5 * 1024 ** 3

/** CopyObject: a new object of another one's content. Source: S3 API Reference, CopyObject. */
export async function copyObject(s3: S3, input: CopyObjectCommandInput, request: S3Request) {
  const key = input.Key ?? ''
  checkDirective('metadata', input.MetadataDirective)
  checkDirective('tagging', input.TaggingDirective)
  const source = await copySource(s3, input, request, copiesTags(input))
  const tags = copiesTags(input) ? source.version.tags : tagsOfHeader(input.Tagging)
  const { bucket, acl } = writableBucket(s3, request, input, tags)
  if (source.version.sizeBytes > MAX_COPY_BYTES) {
    throw new S3Fault(
      'InvalidRequest',
      'The specified copy source is larger than the maximum allowable size for a copy source: 5368709120',
    )
  }
  checkChangesSomething(bucket, key, source, input)

  const { stored, customerKey } = encryptionOf(bucket, input, s3.o.random)
  const replaced = attributesOf(input, request.headers)
  const kept = attributesOfVersion(source.version)
  const merged = mergedAttributes(input, kept, replaced)
  const made = await copied(source, bucket, key, {
    asked: input.ChecksumAlgorithm,
    kept: kept.checksum,
    customerKey,
    options: {
      attributes: { ...merged, ...stored, ...(acl ? { acl } : {}) },
      tags,
      ...lockOf(bucket, input, s3.store.lockTime()),
      ...writePrecondition(input),
      outbox: s3.replication.ofWrite(bucket),
    },
  })
  const attributes = attributesOfVersion(made)
  return {
    ...source.members,
    ...versionMembers(bucket, made),
    ...encryptionMembers(attributes),
    ...customerKeyMembers(customerKey),
    ...expirationMembers(s3, bucket, made),
    CopyObjectResult: {
      ETag: quoted(made.etag),
      LastModified: made.modifiedAt,
      ...checksumMembers(attributes.checksum),
    },
  }
}

/** @throws S3Fault `InvalidArgument` */
function checkDirective(name: string, value: string | undefined): void {
  if (value === undefined || value === 'COPY' || value === 'REPLACE') return
  throw new S3Fault('InvalidArgument', `Unknown ${name} directive.`, {
    elements: { ArgumentName: `x-amz-${name}-directive`, ArgumentValue: value },
  })
}

/**
 * Shares the bytes of the source where nothing of them is to be told anew. An object that came in parts is read, as its copy
 * has an ETag and a checksum of one piece; and so is one that a customer's key is for, before or after, or another region has.
 */
async function copied(
  source: CopySource,
  bucket: Bucket,
  key: string,
  o: {
    asked: string | undefined
    kept: StoredChecksum | undefined
    customerKey: CustomerKey | undefined
    options: PutOptions
  },
): Promise<ObjectVersion> {
  const { asked, kept, options, customerKey } = o
  const { shared, version } = source
  const algorithm =
    asked === undefined ? (kept?.algorithm ?? DEFAULT_ALGORITHM) : parseChecksumAlgorithm(asked)
  if (shared && !version.parts && kept?.algorithm === algorithm && !customerKey) {
    const attributes = { ...options.attributes, checksum: kept }
    return await bucket.copy(shared, key, { ...options, attributes })
  }
  const name = digestName(algorithm)
  return await bucket.put(key, source.read(), {
    ...options,
    digests: [name],
    beforeCommit: ({ digests }) => ({
      checksum: { algorithm, value: digests[name]!.toString('base64'), type: 'FULL_OBJECT' },
    }),
    ...sealing(customerKey),
  })
}

/** Storage class, encryption, redirection and ACL are never copied; the rest as the directive says. */
function mergedAttributes(
  input: CopyObjectCommandInput,
  kept: ObjectAttributes,
  replaced: ObjectAttributes,
): ObjectAttributes {
  if (input.MetadataDirective === 'REPLACE') return replaced
  const { contentType, cacheControl, contentDisposition, contentEncoding } = kept
  const { contentLanguage, expires, metadata } = kept
  const copied = defined<ObjectAttributes>({
    ...{ contentType, cacheControl, contentDisposition, contentEncoding },
    ...{ contentLanguage, expires, metadata },
  })
  const asked = {
    storageClass: replaced.storageClass,
    websiteRedirectLocation: replaced.websiteRedirectLocation,
  }
  const given = Object.entries(asked).filter(([, value]) => value !== undefined)
  return { ...copied, ...Object.fromEntries(given) }
}

function copiesTags(input: CopyObjectCommandInput): boolean {
  return input.TaggingDirective !== 'REPLACE'
}

/** @throws S3Fault `InvalidRequest` for a copy of an object to itself that would change nothing */
function checkChangesSomething(
  bucket: Bucket,
  key: string,
  source: CopySource,
  input: CopyObjectCommandInput,
): void {
  const isSame =
    bucket.name === source.bucketName && key === source.version.key && source.version.isLatest
  const isChanged =
    input.MetadataDirective === 'REPLACE' ||
    !copiesTags(input) ||
    [
      input.StorageClass,
      input.WebsiteRedirectLocation,
      input.ServerSideEncryption,
      input.SSECustomerAlgorithm,
      input.ChecksumAlgorithm,
      input.ObjectLockMode,
    ].some((asked) => asked !== undefined)
  if (!isSame || isChanged) return
  throw new S3Fault(
    'InvalidRequest',
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  )
}
