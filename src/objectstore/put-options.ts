import type { Received } from './blob-writer.ts'
import type { DigestName } from './digest.ts'
import type { Attributes, ObjectPart, ObjectVersion, Retention } from './object-version.ts'

/** Holds when nothing is there, or when what is there has this entity tag. */
export interface Precondition {
  readonly ifNoneMatch?: '*'
  readonly ifMatch?: string
}

/**
 * Looks at a version in the very change that makes or alters it: what it returns is added to the version's attributes, and
 * goes into the outbox with it.
 */
export type Tell = (
  version: ObjectVersion,
) => { readonly attributes?: Attributes; readonly entries: readonly unknown[] } | undefined

/** Looks at what was received before it becomes visible; what it returns is added to the attributes, and what it throws undoes all. */
export type BeforeCommit = (received: Received) => Attributes | undefined

/** A version of another store, as it is there. What came in parts keeps the entity tag that they made. */
export interface ReplicaOf {
  readonly versionId: string
  readonly modifiedAt: Date
  readonly etag?: string | undefined
  readonly parts?: readonly ObjectPart[] | undefined
}

export interface PutOptions {
  readonly attributes?: Attributes | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly retention?: Retention | undefined
  readonly hasLegalHold?: boolean | undefined
  readonly precondition?: Precondition | undefined
  readonly beforeCommit?: BeforeCommit | undefined
  readonly digests?: readonly DigestName[] | undefined
  /** Whether the bytes are encrypted where they lie. */
  readonly encrypt?: boolean | undefined
  /** The caller's own key of 32 bytes in place of the store's: it is not kept, and without it nobody reads the bytes. */
  readonly sealWith?: Buffer | undefined
  /** Makes the entity tag of the MD5 of the bytes, both in hex. */
  readonly etagOf?: ((md5: string) => string) | undefined
  /**
   * Another store's version: it keeps its id and its place among the others. One that is older than the newest does not come
   * in front of it.
   */
  readonly replicaOf?: ReplicaOf | undefined
  readonly outbox?: Tell | undefined
}

export interface DeleteOptions {
  /** This version for good; without it a delete marker is put in front, where there is versioning. */
  readonly versionId?: string | undefined
  /** Looks at the version that is meant, in the very change; nothing is done when there is none or it says no. */
  readonly onlyIf?: ((version: ObjectVersion, o: { isAlone: boolean }) => boolean) | undefined
  readonly bypassGovernance?: boolean | undefined
  readonly precondition?: Precondition | undefined
  /** Of the delete marker. */
  readonly attributes?: Attributes | undefined
  /** A delete marker of another store. */
  readonly replicaOf?: PutOptions['replicaOf']
  readonly outbox?: Tell | undefined
}

export interface Change {
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** Makes those of now of those that are there. */
  readonly attributesOf?: ((before: Attributes) => Attributes) | undefined
  readonly retention?: Retention | null | undefined
  readonly hasLegalHold?: boolean | undefined
  readonly bypassGovernance?: boolean | undefined
  readonly outbox?: Tell | undefined
  /** The number of an entry of the outbox that is done with this change. */
  readonly settles?: number | undefined
}
