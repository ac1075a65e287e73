/** What may be stored beside an object: anything that JSON can say. */
export type Attributes = Readonly<Record<string, unknown>>

/** Until when a version may not be deleted. `governance` yields to those who may bypass it, `compliance` to nobody. */
export interface Retention {
  readonly mode: 'governance' | 'compliance'
  readonly until: Date
}

export interface ObjectPart {
  readonly number: number
  readonly sizeBytes: number
  /** MD5 of its bytes, in hex. */
  readonly etag: string
  readonly attributes: Attributes
}

/** One entry under a key: an object or a delete marker. */
export interface ObjectVersion {
  readonly key: string
  /** `null`, the word, for what was written while versioning was off or suspended. */
  readonly versionId: string
  readonly isLatest: boolean
  readonly isDeleteMarker: boolean
  readonly sizeBytes: number
  /** MD5 of its bytes in hex, or the MD5 of its parts' MD5s, `-` and their number; empty for a delete marker. */
  readonly etag: string
  readonly modifiedAt: Date
  /** The caller's own; the store keeps them as they are. */
  readonly attributes: Attributes
  readonly tags: Readonly<Record<string, string>>
  readonly parts?: readonly ObjectPart[]
  readonly retention?: Retention
  readonly hasLegalHold: boolean
}

/** Where the bytes of an object, or of a part of it, are. */
export interface BlobReference {
  readonly id: string
  readonly sizeBytes: number
  /** The key that its bytes are encrypted with, itself encrypted with the store's. */
  readonly sealedKey?: Buffer
}

/** A version as it is kept. Times are milliseconds since 1970. */
export interface VersionRecord {
  readonly versionId: string
  readonly isDeleteMarker?: true
  readonly sizeBytes: number
  readonly etag: string
  readonly modifiedAtMs: number
  readonly attributes: Attributes
  readonly tags: Readonly<Record<string, string>>
  readonly blobs: readonly BlobReference[]
  readonly parts?: readonly ObjectPart[]
  readonly retention?: { readonly mode: Retention['mode']; readonly untilMs: number }
  readonly hasLegalHold?: true
}

export function versionOf(key: string, record: VersionRecord, isLatest: boolean): ObjectVersion {
  const { versionId, sizeBytes, etag, attributes, tags, parts, retention } = record
  return {
    key,
    versionId,
    isLatest,
    isDeleteMarker: record.isDeleteMarker === true,
    sizeBytes,
    etag,
    modifiedAt: new Date(record.modifiedAtMs),
    attributes,
    tags,
    ...(parts ? { parts } : {}),
    ...(retention
      ? { retention: { mode: retention.mode, until: new Date(retention.untilMs) } }
      : {}),
    hasLegalHold: record.hasLegalHold === true,
  }
}
