import type { ObjectVersion } from '../../objectstore/object-version.ts'
import type { Grant } from './acl.ts'
import type { StoredChecksum } from './checksums.ts'
import { encryptionMembers, type ObjectEncryption } from './encryption.ts'
import { S3Fault } from './faults.ts'
import type { ReplicationState } from './replication/state.ts'

/** What S3 keeps with an object version, beside what the engine knows itself. */
export interface ObjectAttributes extends ObjectEncryption {
  readonly contentType?: string
  readonly cacheControl?: string
  readonly contentDisposition?: string
  readonly contentEncoding?: string
  readonly contentLanguage?: string
  /** As it was sent: clients send what is no date, too. */
  readonly expires?: string
  readonly websiteRedirectLocation?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly storageClass?: string
  readonly checksum?: StoredChecksum
  readonly replication?: ReplicationState
  /** Of the upload in parts that made it. */
  readonly uploadId?: string
  /** Absent: the owner has all and nobody else anything. */
  readonly acl?: readonly Grant[]
}

/** The members by which PutObject, CreateMultipartUpload and CopyObject say the same things. */
export interface AttributeInput {
  readonly ContentType?: string | undefined
  readonly CacheControl?: string | undefined
  readonly ContentDisposition?: string | undefined
  readonly ContentEncoding?: string | undefined
  readonly ContentLanguage?: string | undefined
  readonly WebsiteRedirectLocation?: string | undefined
  readonly Metadata?: Record<string, string> | undefined
  readonly StorageClass?: string | undefined
}

/** Source: S3 User Guide, "User-defined object metadata": names and values, in bytes. */
const MAX_METADATA_BYTES = 2048

/** Source: S3 API Reference, PutObject. Unlike AWS: all storage classes are stored alike. */
const STORAGE_CLASSES = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
]

/** @throws S3Fault `MetadataTooLarge`, `InvalidStorageClass` */
export function attributesOf(
  input: AttributeInput,
  headers: ReadonlyMap<string, string>,
): ObjectAttributes {
  const { StorageClass: storageClass } = input
  if (storageClass !== undefined && !STORAGE_CLASSES.includes(storageClass)) {
    throw new S3Fault('InvalidStorageClass', 'The storage class you specified is not valid')
  }
  return defined<ObjectAttributes>({
    contentType: input.ContentType,
    cacheControl: input.CacheControl,
    contentDisposition: input.ContentDisposition,
    contentEncoding: storedEncoding(input.ContentEncoding),
    contentLanguage: input.ContentLanguage,
    expires: headers.get('expires'),
    websiteRedirectLocation: input.WebsiteRedirectLocation,
    metadata: checkedMetadata(input.Metadata ?? {}),
    storageClass: storageClass === 'STANDARD' ? undefined : storageClass,
  })
}

export function attributesOfVersion(version: Pick<ObjectVersion, 'attributes'>): ObjectAttributes {
  return version.attributes
}

/** The members of GetObject's and HeadObject's output that tell the attributes. */
export function attributeMembers(attributes: ObjectAttributes): object {
  return defined({
    ContentType: attributes.contentType ?? 'binary/octet-stream',
    CacheControl: attributes.cacheControl,
    ContentDisposition: attributes.contentDisposition,
    ContentEncoding: attributes.contentEncoding,
    ContentLanguage: attributes.contentLanguage,
    WebsiteRedirectLocation: attributes.websiteRedirectLocation,
    Metadata: attributes.metadata,
    StorageClass: attributes.storageClass,
    ...encryptionMembers(attributes),
  })
}

/** Without the members that are undefined. */
export function defined<T extends object>(value: { [Name in keyof T]: T[Name] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, held]) => held !== undefined)) as T
}

function checkedMetadata(metadata: Record<string, string>): Record<string, string> | undefined {
  const entries = Object.entries(metadata)
  const size = entries.reduce((sum, [k, v]) => sum + Buffer.byteLength(k) + Buffer.byteLength(v), 0)
  if (size > MAX_METADATA_BYTES) {
    throw new S3Fault(
      'MetadataTooLarge',
      'Your metadata headers exceed the maximum allowed metadata size',
      { elements: { Size: `${size}`, MaxSizeAllowed: `${MAX_METADATA_BYTES}` } },
    )
  }
  return entries.length === 0 ? undefined : metadata
}

/** `aws-chunked` is how the body travelled, not what it is. */
function storedEncoding(text: string | undefined): string | undefined {
  const kept = text
    ?.split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== 'aws-chunked' && coding !== '')
  return kept && kept.length > 0 ? kept.join(',') : undefined
}
